package filestore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

// childVariable names the database to a re-executed test binary, which then writes to it until it is killed.
const childVariable = "SALLYPORT_FILESTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		if err := writeForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeForEver changes one record over and over, makes and deletes another, and prints each version once it is written.
func writeForEver(path string) error {
	store, err := Open(path, Options{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	var version factor.Version
	if _, present, err := store.Get(ctx, keyOf("alice")); err == nil {
		version = present
	}
	for i := 0; ; i++ {
		if version, err = store.Put(ctx, keyOf("alice"), storetest.NewRecord("alice", byte(i)), version); err != nil {
			return err
		}
		fmt.Println(version)
		user := fmt.Sprint("guest", i%7)
		if _, present, err := store.Get(ctx, keyOf(user)); err == nil {
			if err := store.Delete(ctx, keyOf(user), present); err != nil {
				return err
			}
		} else if _, err := store.Put(ctx, keyOf(user), storetest.NewRecord(user, 1), 0); err != nil {
			return err
		}
	}
}

// TestKilled kills a writing process again and again, also during the first start. Whatever it had reported as written
// must be there, and the database must open without help.
func TestKilled(t *testing.T) {
	path := place(t)
	var reported factor.Version
	for round := range 12 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childVariable+"="+path)
		child.Stderr = os.Stderr
		output, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// A child that hangs is killed too; the test then fails because it has reported nothing.
		watchdog := time.AfterFunc(time.Minute, func() { _ = child.Process.Kill() })
		lines := bufio.NewScanner(output)
		for line := 0; lines.Scan(); line++ {
			if _, err := fmt.Sscan(lines.Text(), &reported); err != nil {
				t.Fatal(err)
			}
			if line == 3+7*round%11 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		watchdog.Stop()
		if err := child.Wait(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("round %d: the child ended by itself: %v", round, err)
		}
		store, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, version, err := store.Get(t.Context(), keyOf("alice")); err != nil || version < reported {
			t.Fatalf("round %d: version %d, %v; %d was reported as written", round, version, err, reported)
		}
		mustClose(t, store)
	}
}
