package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// caddyfileWith writes a Caddyfile with the given line for secrets, and returns its path.
func caddyfileWith(t *testing.T, secrets string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	text := fmt.Sprintf("{\n\tsecond_factor {\n\t\t%s\n\t}\n}\nhttp://127.0.0.1:1 {\n\tsecond_factor {\n%s\n\t}\n}\n", secrets, ledgerBlock)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs the command and returns what it says.
func run(t *testing.T, wantSuccess bool, arguments ...string) string {
	t.Helper()
	command := sallyport(t, t.TempDir(), arguments...)
	command.Dir = t.TempDir()
	output, err := command.CombinedOutput()
	if (err == nil) != wantSuccess {
		t.Fatalf("%v: %v\n%s", arguments, err, output)
	}
	return string(output)
}

// TestVault_Check: vault check says that all is well if it is. If something is missing, it says what, and what to do,
// and ends with a status that a script sees. vault-policy follows the configuration.
func TestVault_Check(t *testing.T) {
	t.Parallel()
	v := newVault(t, true, vault.Options{TLS: true})
	good := caddyfileWith(t, v.line())
	if said := run(t, true, "vault", "check", "--config", good); !strings.Contains(said, "All is well") || strings.Contains(said, "MISSING") {
		t.Errorf("vault check says\n%s", said)
	}
	if policy := run(t, true, "vault-policy", "--config", good); !strings.Contains(policy, v.policy) {
		t.Errorf("the policy by configuration is another one than by flags:\n%s", policy)
	}
	if said := run(t, true, "vault", "rotate-key", "--config", good); !strings.Contains(said, "Key 1 seals sessions from now on") {
		t.Errorf("vault rotate-key says\n%s", said)
	}
	v.Policy(rolePolicy, regexp.MustCompile(`"delete", `).ReplaceAllString(v.policy, ""))
	said := run(t, false, "vault", "check", "--config", good)
	if !strings.Contains(said, "MISSING  may delete") || !strings.Contains(said, `delete on "secret/metadata/sallyport/*"`) {
		t.Errorf("without delete vault check says\n%s", said)
	}
	v.Policy(rolePolicy, v.policy)
	v.Seal()
	if said := run(t, false, "vault", "check", "--config", good); !strings.Contains(said, "MISSING  unsealed") || !strings.Contains(said, "vault operator unseal") {
		t.Errorf("sealed, vault check says\n%s", said)
	}
	v.Down()
	if said := run(t, false, "vault", "check", "--config", good); !strings.Contains(said, "MISSING  reachable") {
		t.Errorf("down, vault check says\n%s", said)
	}
	if said := run(t, false, "vault", "check", "--config", caddyfileWith(t, "secrets file /nowhere")); !strings.Contains(said, "secrets elsewhere") {
		t.Errorf("without Vault in the configuration vault check says\n%s", said)
	}
}

// TestVault_Moving: everybody's second factor moves from the embedded file into Vault and back, and works as before:
// with the same seed, the same recovery codes, and the same count of wrong codes. Nothing readable is left where it
// was.
func TestVault_Moving(t *testing.T) {
	t.Parallel()
	v := newVault(t, true, vault.Options{})
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	file := filepath.Join(l.Folder, "secrets.db")
	c := l.Client(t)
	signIn(t, c, "alice", demo.AlicePassword)
	alice, codes := c.Enrol(skew)
	bob := l.enrolled(t, "bob", demo.BobPassword)
	wrong := otherThan(t, bob.Key, skew)
	guesser := l.challenged(t, "bob", demo.BobPassword)
	for range 3 {
		guesser.Own("/challenge", "/challenge", url.Values{"code": {wrong}}).Wants(t, http.StatusUnprocessableEntity, "")
	}
	l.Stop()

	withFile, withVault := "secrets file "+file, v.line()
	config := caddyfileWith(t, withVault)
	said := run(t, true, "move-secrets", "--config", config, "--from", "file:"+file, "--to", "vault")
	if !strings.Contains(said, `"alice" of "ledger": copied`) || !strings.Contains(said, "2 records are at the destination") {
		t.Errorf("move-secrets says\n%s", said)
	}
	said = run(t, true, "move-secrets", "--config", config, "--from", "file:"+file, "--to", "vault", "--delete-source")
	if !strings.Contains(said, "there already, and deleted at the source") {
		t.Errorf("move-secrets says\n%s", said)
	}
	for _, gone := range []string{file, file + ".key"} {
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
	l.Write(strings.Replace(l.Caddyfile(), withFile, withVault, 1))
	l.Run()
	l.challenged(t, "alice", demo.AlicePassword).Pass(alice).Wants(t, http.StatusSeeOther, "/")
	recovered := l.challenged(t, "alice", demo.AlicePassword)
	recovered.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusSeeOther, "/")
	guesser = l.challenged(t, "bob", demo.BobPassword)
	for range 2 {
		guesser.Own("/challenge", "/challenge", url.Values{"code": {wrong}}).Wants(t, http.StatusUnprocessableEntity, "")
	}
	wantsThrottled(t, guesser.Pass(bob))
	l.Stop()

	run(t, true, "move-secrets", "--config", config, "--from", "vault", "--to", "file:"+file, "--delete-source")
	if listed, err := v.Client().Logical().List("secret/metadata/sallyport/ledger"); err != nil || listed != nil {
		t.Errorf("left in Vault: %v, %v", listed, err)
	}
	l.Write(strings.Replace(l.Caddyfile(), withVault, withFile, 1))
	l.Run()
	again := l.challenged(t, "alice", demo.AlicePassword)
	again.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusUnprocessableEntity, "")
	again.Pass(alice).Wants(t, http.StatusSeeOther, "/")

	for _, bad := range [][]string{{"--from", "file:x", "--to", "file:y"}, {"--from", "vault", "--to", "vault"}, {"--from", "file:", "--to", "vault"}, {"--to", "vault"}} {
		run(t, false, append([]string{"move-secrets", "--config", config}, bad...)...)
	}
}
