package sallyport

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestModulePath: the owner gives the module its public path with one command, in a copy here. All modules build
// afterwards by Go's word, tests included, and nobody says the old path any more.
func TestModulePath(t *testing.T) {
	const moved = "example.org/someone/gate-2"
	folder := filepath.Join(t.TempDir(), "copy")
	run := func(where, name string, arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, arguments...)
		command.Dir = where
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, arguments, err, output)
		}
		return string(output)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	// What is committed, or will be.
	run(".", "bash", "-euo", "pipefail", "-c", `git ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' file; do [ -f "$file" ] && printf '%s\0' "$file"; done | xargs -0 cp --parents -t "$0"`, folder)
	for _, wrong := range []string{"", "sallyport", "Example.org/x", "example.org/x y", "https://example.org/x"} {
		command := exec.CommandContext(t.Context(), "scripts/module-path", wrong)
		command.Dir = folder
		if output, err := command.CombinedOutput(); err == nil {
			t.Errorf("%q is a path: %s", wrong, output)
		}
	}
	run(folder, "make", "module-path", "NEW="+moved)
	if said := run(folder, "grep", "-rlI", moved, "."); strings.Count(said, "\n") < 200 {
		t.Errorf("%d files say the new path", strings.Count(said, "\n"))
	}
	command := exec.CommandContext(t.Context(), "grep", "-rnI", module, ".")
	command.Dir = folder
	if output, err := command.CombinedOutput(); err == nil {
		t.Errorf("the old path is still said:\n%s", output)
	}
	for where, want := range map[string]string{
		".": moved, "test/e2e": moved + "/test/e2e", "test/devvault": moved + "/test/devvault", "tools": moved + "/tools",
	} {
		if said := strings.TrimSpace(run(filepath.Join(folder, where), "go", "list", "-m")); said != want {
			t.Errorf("the module in %s is %s, want %s", where, said, want)
		}
		run(filepath.Join(folder, where), "go", "list", "-test", "-deps", "./...")
	}
	if unformatted := run(folder, "gofmt", "-l", "."); unformatted != "" {
		t.Errorf("not formatted any more:\n%s", unformatted)
	}
}
