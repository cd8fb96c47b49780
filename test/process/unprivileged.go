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

// Folder makes a temporary folder that is gone when the test has ended. Unlike t.TempDir it does not lie in one that is
// closed to others, so that a program which runs as somebody else can be given it.
func Folder(t testing.TB, name string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "sallyport-"+name+"-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("what %s left: %v", name, err)
		}
	})
	return folder
}

// Unprivileged is whom a program runs as that refuses to run as root: nobody. nil, which is as the test itself, where
// that is not root.
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

// Give hands a folder over to whom a program runs as; nobody's folder stays the test's where that is nil.
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
