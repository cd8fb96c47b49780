package file

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// childVariable names the file to a re-executed test binary, which then writes to it until it is killed.
const childVariable = "SALLYPORT_SESSIONFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		if err := writeForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeForEver makes, changes, moves and deletes sessions in several goroutines, and prints each change once the store
// has reported it as made.
func writeForEver(path string) error {
	ctx := context.Background()
	store := New(path, Options{Timeout: time.Minute})
	var mutex sync.Mutex
	say := func(words ...any) {
		mutex.Lock()
		defer mutex.Unlock()
		fmt.Println(words...)
	}
	failed := make(chan error)
	for worker := range 4 {
		// A stranger who signs in, and others.
		label := session.Label{Owner: session.Owner{byte(worker + 1)}}
		first := session.WithLabel(ctx, session.Label{Stranger: worker%2 == 0, Owner: session.Owner{byte(worker % 2)}})
		ctx := session.WithLabel(ctx, label)
		go func() {
			failed <- func() error {
				for {
					expiry := time.Now().Add(time.Hour)
					token, fresh := storetest.Token(), storetest.Token()
					if err := store.CommitCtx(first, token, []byte("one"), expiry); err != nil {
						return err
					}
					say("stored", token, "one")
					_, version, _, err := store.FindVersionCtx(ctx, token)
					if err != nil {
						return err
					}
					if err := store.SwapCtx(ctx, token, version, []byte("two"), expiry); err != nil {
						return err
					}
					say("stored", token, "two")
					if _, version, _, err = store.FindVersionCtx(ctx, token); err != nil {
						return err
					}
					say("moving", token)
					if err := store.MoveCtx(ctx, token, version, fresh, []byte("three"), expiry); err != nil {
						return err
					}
					say("dead", token)
					say("stored", fresh, "three")
				}
			}()
		}()
	}
	return <-failed
}

// TestKilled kills a writing process again and again, also during the first start. Whatever it had reported as done
// must be stored, and the file must open without help.
func TestKilled(t *testing.T) {
	path := place(t)
	stored, dead := map[string]string{}, map[string]bool{}
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
			words := strings.Fields(lines.Text())
			switch {
			case len(words) == 3 && words[0] == "stored":
				stored[words[1]] = words[2]
			case len(words) == 2 && words[0] == "moving":
				delete(stored, words[1]) // from here on it may or may not be stored
			case len(words) == 2 && words[0] == "dead":
				dead[words[1]] = true
			default:
				t.Fatalf("the child says %q", lines.Text())
			}
			if line == 3+37*round%101 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		watchdog.Stop()
		if err := child.Wait(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("round %d: the child ended by itself: %v", round, err)
		}
		store := newStore(t, path, Options{Timeout: time.Minute})
		consistent(t, store)
		for token, want := range stored {
			// A later change may have been written and not yet reported.
			got, found, err := store.Find(token)
			if err != nil || !found || string(got) != want && (want != "one" || string(got) != "two") {
				t.Fatalf("round %d: found %q, %v, %v; %q was reported as stored", round, got, found, err, want)
			}
		}
		for token := range dead {
			if _, found, err := store.Find(token); err != nil || found {
				t.Fatalf("round %d: a dead token is back: %v", round, err)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(stored) == 0 || len(dead) == 0 {
		t.Errorf("%d were stored and %d died: the test is broken", len(stored), len(dead))
	}
	if _, err := os.Stat(path + damagedSuffix); err == nil {
		t.Error("the file was taken for damaged")
	}
}
