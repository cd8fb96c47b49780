package caddymodule

import (
	"strings"
	"testing"
)

// TestRootOfSallyport: the program is called Sallyport and prints its own version first. It lacks the commands that
// would replace it by a binary without this module; any other Caddy has them.
func TestRootOfSallyport(t *testing.T) {
	for _, arguments := range []string{"version", "--version"} {
		said, err := runAs(t, "sallyport", arguments)
		if lines := strings.Split(said, "\n"); err != nil || !strings.HasPrefix(lines[0], "Sallyport ") || !strings.HasPrefix(lines[1], "Caddy ") {
			t.Errorf("%s: %v: %s", arguments, err, said)
		}
	}
	help, err := runAs(t, "sallyport", "help")
	if err != nil || !strings.HasPrefix(help, "Sallyport asks for a second factor") {
		t.Errorf("%v\n%s", err, help)
	}
	for _, gone := range []string{"upgrade", "add-package", "remove-package"} {
		if strings.Contains(help, "\n  "+gone+" ") {
			t.Errorf("the help offers %s", gone)
		}
		if said, err := runAs(t, "sallyport", gone); err == nil || !strings.Contains(said, "unknown command '"+gone+"'") {
			t.Errorf("%s: %v: %s", gone, err, said)
		}
		if said, err := caddyRun(t, gone, "--help"); err != nil || strings.Contains(said, "unknown command") {
			t.Errorf("control: a Caddy's %s: %v: %s", gone, err, said)
		}
	}
	if said, err := runAs(t, "sallyport", "explian"); err == nil || !strings.Contains(said, "did you mean 'explain'?") {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := caddyRun(t, "version"); err != nil || strings.Contains(said, "Sallyport") {
		t.Errorf("control: a Caddy's version: %v: %s", err, said)
	}
}
