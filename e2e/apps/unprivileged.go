package apps

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// nobody is the account of Debian's that owns nothing. Some apps refuse to run as root, and none needs to.
const nobody = 65534

// newUnprivileged makes an app whose folder its server may write to when that runs as nobody.
func newUnprivileged(t testing.TB, name string) *App {
	t.Helper()
	// Not t.TempDir, which lies in a folder that is closed to others.
	folder, err := os.MkdirTemp("", "sallyport-"+name+"-") //nolint:usetesting // see above
	if err == nil {
		err = os.Chmod(folder, 0o755)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return &App{Name: name, Folder: folder, shared: true}
}

// give hands the app's folder over to the account that its server runs as.
func (a *App) give(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	owner := strconv.Itoa(nobody)
	if output, err := exec.CommandContext(t.Context(), "chown", "-R", owner+":"+owner, a.Folder).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", a.Name, err, output)
	}
}

// user is whom the app's programs run as; nil: as the tests do.
func (a *App) user() *syscall.Credential {
	if !a.shared || os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: nobody, Gid: nobody}
}

// debianVersion is the version of an installed package, without Debian's own part.
func debianVersion(t testing.TB, name string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "dpkg-query", "--show", "--showformat=${source:Upstream-Version}", name).Output()
	if err != nil {
		t.Fatalf("%s: %v (scripts/install-test-packages installs what the tests need)", name, err)
	}
	// What Debian took out of the source, or the day that it was taken on, is no part of the app's own number.
	version, _, _ := strings.Cut(strings.TrimSpace(string(output)), "+")
	version, _, _ = strings.Cut(version, "~")
	return version
}
