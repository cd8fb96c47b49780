package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asMain makes the test's own binary run as the program.
const asMain = "SALLYPORT_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func run(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, arguments...)
	command.Env = append(os.Environ(), asMain+"=yes")
	command.Dir = t.TempDir()
	said, err := command.CombinedOutput()
	return string(said), err
}

// TestCommandsAtRoot: the program has its commands at the root as well. The help shows these, and not their former
// names.
func TestCommandsAtRoot(t *testing.T) {
	help, err := run(t, "help")
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	for name, want := range map[string]bool{
		"second-factor": true, "vault": true, "secrets": true, "preset": true, "code": true, "demo": true, "validate": true,
		"vault-check": false, "vault-policy": false, "vault-rotate-session-key": false, "move-secrets": false,
	} {
		if got := strings.Contains(help, "\n  "+name+" "); got != want {
			t.Errorf("%s: the help shows it: %v\n%s", name, got, help)
		}
	}
	if !strings.Contains(help, "sallyport [command]") {
		t.Errorf("the help names another program:\n%s", help)
	}
}

// TestSpellings: a command says the same by each of its names.
func TestSpellings(t *testing.T) {
	for _, spellings := range [][]string{
		{"vault policy", "second-factor vault policy", "vault-policy"},
		{"preset show dokuwiki", "second-factor preset show dokuwiki"},
		{"code gezdgnbvgy3tqojq", "second-factor code gezdgnbvgy3tqojq"},
		{"secrets move --from x --to y", "second-factor secrets move --from x --to y", "move-secrets --from x --to y"},
		{"vault rotate-key --keep 0s", "second-factor vault rotate-key --keep 0s", "vault-rotate-session-key --keep 0s"},
		{"vault check --banana", "second-factor vault check --banana", "vault-check --banana"},
		{"secrets init --banana", "second-factor secrets init --banana"},
	} {
		var first string
		for i, spelling := range spellings {
			said, err := run(t, strings.Fields(spelling)...)
			fails := strings.Contains(spelling, "--banana") || strings.Contains(spelling, "0s") || strings.Contains(spelling, "--from")
			if (err != nil) != fails || said == "" {
				t.Errorf("%s: %v\n%s", spelling, err, said)
			}
			// All print the same, except the code, which may change in between.
			if i == 0 {
				first = said
			} else if said != first && !strings.HasPrefix(spelling, "second-factor code") {
				t.Errorf("%s says\n%s\nand %s\n%s", spellings[0], first, spelling, said)
			}
		}
	}
}
