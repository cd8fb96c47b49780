package caddymodule

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// asCaddy makes the test's own binary run as a Caddy with this module, as somebody else would build it, or as
// sallyport.
const asCaddy = "SALLYPORT_TEST_AS_CADDY"

func TestMain(m *testing.M) {
	if as := os.Getenv(asCaddy); as != "" {
		if as == "sallyport" {
			CommandsAtRoot()
		}
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// caddyRun runs a command of such a Caddy, in a folder where there is no Caddyfile, and returns what it says.
func caddyRun(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	return runAs(t, "caddy", arguments...)
}

// runAs is caddyRun as a Caddy or as sallyport.
func runAs(t *testing.T, as string, arguments ...string) (string, error) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, arguments...)
	command.Env = append(os.Environ(), asCaddy+"="+as)
	command.Dir = t.TempDir()
	said, err := command.CombinedOutput()
	return string(said), err
}

// TestOneRootCommand: a Caddy with the module has one more command, which contains all of Sallyport's. Their former
// names still work, and no help shows them.
func TestOneRootCommand(t *testing.T) {
	help, err := caddyRun(t, "help")
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	listed := func(help, name string) bool { return strings.Contains(help, "\n  "+name+" ") }
	if !listed(help, "second-factor") || !listed(help, "validate") {
		t.Errorf("the help lacks second-factor:\n%s", help)
	}
	for _, old := range []string{"vault", "vault-check", "vault-policy", "vault-rotate-session-key", "move-secrets", "secrets", "preset", "explain", "code"} {
		if listed(help, old) {
			t.Errorf("the help shows %s", old)
		}
	}
	for group, wants := range map[string][]string{
		"second-factor":         {"vault", "secrets", "preset", "explain", "code"},
		"second-factor vault":   {"check", "policy", "rotate-key"},
		"second-factor secrets": {"init", "move"},
		"second-factor preset":  {"list", "show"},
	} {
		said, err := caddyRun(t, strings.Fields(group)...)
		for _, want := range wants {
			if err != nil || !listed(said, want) {
				t.Errorf("%s: %v: lacks %s:\n%s", group, err, want, said)
			}
		}
	}
}

// TestOldCommandNames: a command does the same by its old name as by its new one.
func TestOldCommandNames(t *testing.T) {
	folder := t.TempDir()
	keeping := func(name, secrets string) (arguments string) {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte("{\n\tsecond_factor {\n\t\tsecrets "+secrets+"\n\t}\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return " --config " + file + " --adapter caddyfile"
	}
	inFile, inVault := keeping("file", "file "+filepath.Join(folder, "secrets.db")), keeping("vault", "vault http://127.0.0.1:1")
	for _, test := range []struct {
		old, now, arguments, want string
		fails                     bool
	}{
		{"vault-check", "vault check", inFile, "it says `secrets file`", true},
		{"vault-policy", "vault policy", " --mount kv2 --transit transit/x", `path "kv2/data/sallyport/*"`, false},
		{"vault-rotate-session-key", "vault rotate-key", " --keep 0s", "--keep must be positive", true},
		{"move-secrets", "secrets move", " --from vault --to vault", "want --from file:<path> --to vault", true},
		{"move-secrets", "secrets move", " --from file:none --to vault", "--from", true},
		{"secrets init", "secrets init", inVault, "it says `secrets vault`", true},
		{"preset list", "preset list", "", "dokuwiki", false},
		{"preset show", "preset show", " dokuwiki", "login /doku.php", false},
	} {
		for _, spelling := range []string{test.old, "second-factor " + test.now} {
			said, err := caddyRun(t, strings.Fields(spelling+test.arguments)...)
			if (err != nil) != test.fails || !strings.Contains(said, test.want) {
				t.Errorf("%s%s: %v: want %q:\n%s", spelling, test.arguments, err, test.want, said)
			}
		}
	}
}

// TestUnknownCommand: a misspelt command is an error, and not a page of help that a script takes for success.
func TestUnknownCommand(t *testing.T) {
	for arguments, want := range map[string]string{
		"second-factor vault chek": "second-factor vault: unknown command 'chek': did you mean 'check'?",
		"second-factor banana":     "unknown command 'banana': want user, vault, secrets, preset, explain, learn or code",
		"secrets banana":           "unknown command 'banana': want init or move",
	} {
		if said, err := caddyRun(t, strings.Fields(arguments)...); err == nil || !strings.Contains(said, want) {
			t.Errorf("%s: %v\n%s", arguments, err, said)
		}
	}
}

// TestCode: the code of RFC 6238's key, which changes every 30 seconds.
func TestCode(t *testing.T) {
	said, err := caddyRun(t, "second-factor", "code", "gezd", "gnbv", "gy3t", "qojq")
	if err != nil || len(strings.TrimSpace(said)) != 6 {
		t.Errorf("%v %q", err, said)
	}
	if said, err := caddyRun(t, "second-factor", "code", "0189"); err == nil || !strings.Contains(said, "no key") {
		t.Errorf("%v %q", err, said)
	}
}
