package process

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Folder makes a temporary folder that is removed at the end of the test. Unlike t.TempDir it is not inside a folder
// that is closed to others, so a program that runs as another user can use it.
func Folder(t testing.TB, name string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "sallyport-"+name+"-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("removing the folder of %s: %v", name, err)
		}
	})
	return folder
}

// Unprivileged returns the system user for a program that refuses to run as root: nobody. If the test does not run as
// root it returns nil, which means the test's own user.
func Unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		t.Fatalf("nobody is %s, %s", account.Uid, account.Gid)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// Give makes the user that a program runs as the owner of a folder; it does nothing if owner is nil.
func Give(t testing.TB, folder string, owner *syscall.Credential) {
	t.Helper()
	if owner == nil {
		return
	}
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
}
