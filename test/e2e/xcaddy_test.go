package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/checkout"
	"sallyport.example/sallyport/test/site"
)

// TestXcaddy: Caddy's own tool builds a Caddy with this module from a checkout, by the command in the README, and that
// Caddy asks for the second factor.
func TestXcaddy(t *testing.T) {
	t.Parallel()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	inRoot := func(name string, arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, arguments...)
		command.Dir = root
		// Compiled with the same options as everything here. Otherwise xcaddy would compile all of Caddy anew, without
		// the race detector.
		command.Env = append(os.Environ(), "XCADDY_RACE_DETECTOR=1", "XCADDY_GO_BUILD_FLAGS=-buildvcs=false")
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, arguments, err, output)
		}
		return string(output)
	}
	xcaddy, caddy := filepath.Join(t.TempDir(), "xcaddy"), filepath.Join(t.TempDir(), "caddy")
	inRoot("go", "-C", "tools", "build", "-o", xcaddy, "github.com/caddyserver/xcaddy/cmd/xcaddy")
	module := strings.TrimSpace(inRoot("go", "list", "-m"))
	version := strings.TrimSpace(inRoot("go", "list", "-m", "-f", "{{.Version}}", "github.com/caddyserver/caddy/v2"))
	documented := []string{"build", version, "--with", module + "@v0.0.0=."}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if line := "xcaddy " + strings.Join(documented, " "); err != nil || !strings.Contains(string(readme), line) {
		t.Fatalf("the README does not say %q (%v)", line, err)
	}
	inRoot(xcaddy, append(documented, "--output", caddy)...)

	output, err := exec.CommandContext(t.Context(), caddy, "list-modules").Output()
	if err != nil || !slices.Contains(strings.Fields(string(output)), "http.handlers.second_factor") {
		t.Fatalf("the modules: %v %s", err, output)
	}
	if output, err := exec.CommandContext(t.Context(), caddy, "second-factor", "preset", "list").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	l := newLedger(t, demo.Knobs{}, "", site.Options{Binary: caddy})
	l.enrolled(t, "alice", demo.AlicePassword)
	signIn(t, l.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
}
