package apps

import (
	"os/exec"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// newUnprivileged makes an app that runs as nobody if the tests run as root: some apps refuse to run as root, and none
// needs to.
func newUnprivileged(t testing.TB, name string) *App {
	t.Helper()
	return &App{Name: name, Folder: process.Folder(t, name), user: process.Unprivileged(t)}
}

// debianVersion returns the version of an installed package, without Debian's own part.
func debianVersion(t testing.TB, name string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "dpkg-query", "--show", "--showformat=${source:Upstream-Version}", name).Output()
	if err != nil {
		t.Fatalf("%s: %v (scripts/install-test-packages installs what the tests need)", name, err)
	}
	// A suffix about what Debian removed from the source, or about the date, is not part of the app's own version.
	version, _, _ := strings.Cut(strings.TrimSpace(string(output)), "+")
	version, _, _ = strings.Cut(version, "~")
	return version
}
