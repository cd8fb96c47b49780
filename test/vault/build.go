package vault

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"sallyport.example/sallyport/test/checkout"
)

// Binary returns the built devvault command, or the one that $SALLYPORT_DEVVAULT names. The first build on a machine
// compiles all of Vault, which takes minutes; after that it takes a second.
func Binary(t testing.TB) string {
	t.Helper()
	if named := os.Getenv("SALLYPORT_DEVVAULT"); named != "" {
		return named
	}
	binary, err := buildServer()
	if err != nil {
		t.Fatalf("build devvault: %v", err)
	}
	return binary
}

// The commands are built once in this process.
var (
	buildServer = sync.OnceValues(func() (string, error) { return build("devvault", ".") })
	buildProxy  = sync.OnceValues(func() (string, error) { return build("faultproxy", "./faultproxy") })
)

// build builds a command of the module devvault. Several test packages run at once, so one builds and the others wait
// for it.
func build(name, source string) (string, error) {
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, "test", "devvault")
	binary := filepath.Join(folder, "bin", name)
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(folder, "bin", "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	// Without -race, -trimpath and other flags, because the linter has already compiled Vault in this way. The version
	// control stamp would cause a new link at every commit.
	command := exec.Command("go", "build", "-buildvcs=false", "-o", binary, source)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	return binary, nil
}

// lock takes the lock on a file that all test processes use. The lock ends with the process that holds it.
func lock(name string) (unlock func(), err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	return func() { _ = file.Close() }, nil
}
