package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// vaultSecrets is a real Vault with what an operator prepares in it: a transit key, and a role with exactly the policy
// that `sallyport vault-policy` prints.
type vaultSecrets struct {
	*vault.Server
	role, secret string
	// secretFile is the file with the secret ID.
	secretFile string
	// policy is what the role may do; in Vault it is called rolePolicy.
	policy  string
	transit bool
}

const rolePolicy = "sallyport"

// newVault starts and prepares a Vault.
func newVault(t testing.TB, transit bool, options vault.Options) *vaultSecrets {
	t.Helper()
	v := &vaultSecrets{Server: vault.Start(t, options), transit: transit}
	arguments := []string{"vault-policy"}
	if transit {
		if _, err := v.Client().Logical().Write("transit/keys/sallyport", nil); err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, "--transit", "transit/sallyport")
	}
	command := sallyport(t, t.TempDir(), arguments...)
	command.Dir = t.TempDir()
	policy, err := command.Output()
	if err != nil {
		t.Fatalf("vault-policy: %v\n%s", err, policy)
	}
	v.policy = string(policy)
	v.Policy(rolePolicy, v.policy)
	v.role, v.secret = v.AppRole("# nothing", map[string]any{"token_policies": rolePolicy})
	v.secretFile = filepath.Join(t.TempDir(), "secret-id")
	if err := os.WriteFile(v.secretFile, []byte(v.secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

// line returns the `secrets` line of a Caddyfile, with further lines of its block.
func (v *vaultSecrets) line(more ...string) string {
	lines := append([]string{"auth approle " + v.role + " " + v.secretFile}, more...)
	if v.CACert() != "" {
		lines = append(lines, "ca_cert "+v.CACert())
	}
	if v.transit {
		lines = append(lines, "transit transit/sallyport")
	}
	return fmt.Sprintf("secrets vault %s {\n%s\n}", v.Address, strings.Join(lines, "\n"))
}

// TestVault_Walk does the main job with the seeds in a real Vault, signed in by AppRole under the printed policy, with
// transit and without. The start-up log says in one line that everything works.
func TestVault_Walk(t *testing.T) {
	t.Parallel()
	for _, transit := range []bool{false, true} {
		t.Run(fmt.Sprintf("transit %v", transit), func(t *testing.T) {
			t.Parallel()
			v := newVault(t, transit, vault.Options{TLS: transit})
			l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: v.line()})
			within(t, secondsToLog, "the start-up line", func() bool { return strings.Contains(l.Log(), "everything needed works") })
			l.walk(t)
		})
	}
}

// TestVault_InBrowser: the same in a browser, on a real app.
func TestVault_InBrowser(t *testing.T) {
	t.Parallel()
	v := newVault(t, true, vault.Options{})
	l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: v.line()})
	w := newWalker(t, l.URL)
	signInBrowser := func() {
		w.Goto(l.URL + "/login")
		w.Fill("[name=username]", "alice")
		w.Fill("[name=password]", demo.AlicePassword)
		w.Follow("form button")
	}
	signInBrowser()
	authenticator, codes := w.enrol("alice")
	w.Goto(l.URL + "/second-factor/")
	w.press("Sign out", "/login")
	signInBrowser()
	w.challenge(authenticator, "/")
	w.Goto(l.URL + "/second-factor/")
	next := w.reset("alice", codes[0])
	w.Goto(l.URL + "/second-factor/")
	w.disable(next)
	if listed, err := v.Client().Logical().List("secret/metadata/sallyport/ledger"); err != nil || listed != nil {
		t.Errorf("left in Vault after disabling: %v, %v", listed, err)
	}
}

// TestP9_VaultIsQuiet: the walk of TestP9_WalkIsQuiet with a real Vault. Neither its token nor the secret ID appears
// anywhere. If the Caddyfile spells a token out, the configuration that Caddy shows does not contain it.
func TestP9_VaultIsQuiet(t *testing.T) {
	t.Parallel()
	v := newVault(t, true, vault.Options{})
	walkQuietly(t, site.Options{Secrets: v.line()}, map[string]string{v.secret: "secret ID", v.Token(): "Vault token"})
	token := v.TokenWith(hour, false, "root")
	secrets := fmt.Sprintf("secrets vault %s {\nauth token %s\n}", v.Address, token)
	l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: secrets})
	l.walk(t)
	w := &walkOfSecrets{t: t, l: l, c: l.Client(t), secrets: map[string]string{token: "Vault token"}}
	config := w.admin("/config/")
	if !strings.Contains(config, `"literal:`) {
		t.Errorf("the configuration names no token: %s", config)
	}
	w.clean("the configuration", config)
	w.clean("the log", l.Log())
	if err := l.Reload(); err != nil {
		t.Errorf("a reload with the token that the Caddyfile spells out: %v", err)
	}
	l.Write(strings.Replace(l.Caddyfile(), token, v.TokenWith(hour, false, "root"), 1))
	if err := l.Reload(); err == nil || !strings.Contains(err.Error(), "only a restart") {
		t.Errorf("a reload with another one: %v", err)
	}
	l.Client(t).Get("/login").Wants(t, http.StatusOK, "")
}
