package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

func place(t testing.TB) string { return filepath.Join(t.TempDir(), "below", "sessions.db") }

func newStore(t testing.TB, path string, options Options) *Store {
	t.Helper()
	store := New(path, options)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// opened is the store's database, which must be open.
func opened(t testing.TB, store *Store) *database {
	t.Helper()
	if err := store.Ping(context.Background()); err != nil {
		t.Fatal(err)
	}
	return store.current.Load()
}

func count(t testing.TB, store *Store) (entries int) {
	t.Helper()
	err := opened(t, store).read(func(bucket *bolt.Bucket) error {
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(_, _ []byte) error { entries++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// body is one file that one process uses.
func body(t *testing.T) *storetest.Body {
	clock := storetest.NewClock()
	store := newStore(t, place(t), Options{Now: clock.Now, Timeout: 30 * time.Second, Strangers: 400})
	return &storetest.Body{
		Open:    func() session.Store { return store },
		Now:     clock.Now,
		Advance: clock.Advance, Strangers: 400,
		Stored: func() int {
			if err := opened(t, store).sweep(); err != nil {
				t.Error(err)
			}
			consistent(t, store)
			left := count(t, store)
			if counted := opened(t, store).count; counted != left {
				t.Errorf("the store counts %d entries, but has %d", counted, left)
			}
			return left
		},
	}
}

func TestConformance(t *testing.T) { storetest.Run(t, body) }

func mustCommit(t testing.TB, store session.Store, token, stored string) {
	t.Helper()
	if err := store.Commit(token, []byte(stored), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func wantStored(t testing.TB, store session.Store, token, want string) {
	t.Helper()
	stored, found, err := store.Find(token)
	if err != nil || found != (want != "") || string(stored) != want {
		t.Errorf("found %q, %v, %v; want %q", stored, found, err, want)
	}
}

// TestNewTouchesNothing: New makes no file, because `caddy validate` makes stores too.
func TestNewTouchesNothing(t *testing.T) {
	path := place(t)
	store := New(path, Options{})
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := store.Find("a"); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	if store.String() != "file("+path+")" {
		t.Error(store.String())
	}
}

func TestReopen(t *testing.T) {
	path := place(t)
	store := newStore(t, path, Options{})
	alive, dead := storetest.Token(), storetest.Token()
	mustCommit(t, store, alive, "one")
	mustCommit(t, store, dead, "two")
	if err := store.Delete(dead); err != nil {
		t.Fatal(err)
	}
	_, version, _, err := store.FindVersionCtx(t.Context(), alive)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Commit(alive, []byte("x"), time.Now().Add(time.Hour)); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	if _, found, err := store.Find(alive); !errors.Is(err, ErrClosed) || found {
		t.Errorf("%v, want ErrClosed", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	store = newStore(t, path, Options{})
	wantStored(t, store, alive, "one")
	if err := store.SwapCtx(t.Context(), alive, version, []byte("three"), time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if err := store.Commit(dead, []byte("x"), time.Now().Add(time.Hour)); !errors.Is(err, session.ErrGone) {
		t.Errorf("%v, want ErrGone", err)
	}
	if opened(t, store).count != 2 {
		t.Errorf("counted %d entries", opened(t, store).count)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the file: %v, %v", info.Mode(), err)
	}
}

// TestInUse: a second process gets a clear error, and works as soon as the first one has ended.
func TestInUse(t *testing.T) {
	path := place(t)
	first := newStore(t, path, Options{})
	token := storetest.Token()
	mustCommit(t, first, token, "one")
	second := newStore(t, path, Options{})
	began := time.Now()
	for range 3 {
		if _, found, err := second.Find(token); !errors.Is(err, ErrInUse) || found {
			t.Errorf("%v, want ErrInUse", err)
		}
		if err := second.Commit(token, []byte("x"), time.Now().Add(time.Hour)); !errors.Is(err, ErrInUse) {
			t.Errorf("%v, want ErrInUse", err)
		}
	}
	// Six calls do not wait six times.
	if took := time.Since(began); took > 5*lockTimeout {
		t.Errorf("took %v", took)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		stored, found, err := second.Find(token)
		if err == nil {
			if !found || string(stored) != "one" {
				t.Errorf("found %q, %v", stored, found)
			}
			return
		}
		if !errors.Is(err, ErrInUse) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// TestP6_NoPlace: if the file cannot be made, each call returns an error, and none says that there is no session.
func TestP6_NoPlace(t *testing.T) {
	folder := t.TempDir()
	blocked := filepath.Join(folder, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a directory": folder, "below a file": filepath.Join(blocked, "sessions.db"), "a device": "/dev/null",
	} {
		t.Run(name, func(t *testing.T) {
			manager := session.NewShared(newStore(t, path, Options{})).Manager(session.Config{App: "wiki"})
			if _, err := storetest.Create(t.Context(), manager, session.Data{}); !errors.Is(err, session.ErrStore) {
				t.Errorf("Create: %v", err)
			}
			if data, err := manager.Load(t.Context(), storetest.Token()); !errors.Is(err, session.ErrStore) || data != nil {
				t.Errorf("Load: %v, %v", data, err)
			}
		})
	}
}

func TestMalformedTokens(t *testing.T) {
	store := newStore(t, place(t), Options{})
	ctx, expiry := t.Context(), time.Now().Add(time.Hour)
	good := storetest.Token()
	mustCommit(t, store, good, "good")
	_, version, _, err := store.FindVersionCtx(ctx, good)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", string(make([]byte, longestToken+1)), string(make([]byte, 1<<20))} {
		wantStored(t, store, token, "")
		if err := errors.Join(store.Delete(token)); err != nil {
			t.Error(err)
		}
		for _, err := range []error{
			store.Commit(token, []byte("x"), expiry),
			store.SwapCtx(ctx, token, session.Version{}, []byte("x"), expiry),
			store.MoveCtx(ctx, good, version, token, []byte("x"), expiry),
		} {
			if err == nil || errors.Is(err, session.ErrGone) {
				t.Errorf("a token of %d bytes: %v", len(token), err)
			}
		}
	}
	wantStored(t, store, good, "good")
}

// TestMax: a flood of new sessions does not fill the disk, and existing sessions still work.
func TestMax(t *testing.T) {
	clock := storetest.NewClock()
	store := newStore(t, place(t), Options{Max: 10, Now: clock.Now})
	expiry := clock.Now().Add(time.Hour)
	tokens := make([]string, 10)
	for i := range tokens {
		tokens[i] = storetest.Token()
		if err := store.Commit(tokens[i], []byte("x"), expiry); err != nil {
			t.Fatal(err)
		}
	}
	full := func() {
		t.Helper()
		_, version, _, err := store.FindVersionCtx(t.Context(), tokens[0])
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"commit": store.Commit(storetest.Token(), []byte("x"), expiry),
			"swap":   store.SwapCtx(t.Context(), storetest.Token(), session.Version{}, []byte("x"), expiry),
			"move":   store.MoveCtx(t.Context(), tokens[0], version, storetest.Token(), []byte("x"), expiry),
		} {
			if !errors.Is(err, session.ErrFull) {
				t.Errorf("%s: %v, want ErrFull", what, err)
			}
		}
		if err := store.SwapCtx(t.Context(), tokens[0], version, []byte("y"), expiry); err != nil {
			t.Errorf("a session that is there cannot be changed: %v", err)
		}
	}
	full()
	if err := store.Delete(tokens[9]); err != nil { // its tombstone takes its place
		t.Fatal(err)
	}
	full()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = newStore(t, store.path, store.options)
	full()
	clock.Advance(25 * time.Hour)
	if err := opened(t, store).sweep(); err != nil {
		t.Fatal(err)
	}
	expiry = clock.Now().Add(time.Hour)
	if err := store.Commit(storetest.Token(), []byte("x"), expiry); err != nil {
		t.Error(err)
	}
}

// TestFullDisk: a change on a full disk returns an error and changes nothing, and the next change works.
func TestFullDisk(t *testing.T) {
	store := newStore(t, place(t), Options{})
	token := storetest.Token()
	mustCommit(t, store, token, "one")
	db := opened(t, store)
	db.handle.MaxSize = 1
	var failed error
	for range 2000 {
		if failed = store.Commit(storetest.Token(), make([]byte, 10_000), time.Now().Add(time.Hour)); failed != nil {
			break
		}
	}
	if failed == nil || errors.Is(failed, session.ErrGone) {
		t.Fatalf("%v, want an error", failed)
	}
	wantStored(t, store, token, "one")
	db.handle.MaxSize = 0
	mustCommit(t, store, storetest.Token(), "two")
	if left := count(t, store); db.count != left {
		t.Errorf("the store counts %d entries, but has %d", db.count, left)
	}
}

// TestSweepsByItself also fails when Close leaves a goroutine behind: the bubble waits for it.
func TestSweepsByItself(t *testing.T) {
	path := place(t)
	synctest.Test(t, func(t *testing.T) {
		store := New(path, Options{Sweep: time.Minute})
		for i := range 3 {
			err := store.Commit(storetest.Token(), []byte("x"), time.Now().Add(time.Duration(1+60*i)*time.Second))
			if err != nil {
				t.Fatal(err)
			}
		}
		for want := 2; want >= 0; want-- {
			time.Sleep(time.Minute + time.Second)
			synctest.Wait()
			if left := count(t, store); left != want {
				t.Errorf("%d entries, want %d", left, want)
			}
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFarExpiry: an expiry too late for Unix nanoseconds counts as late, not as past.
func TestFarExpiry(t *testing.T) {
	store := newStore(t, place(t), Options{})
	token := storetest.Token()
	if err := store.Commit(token, []byte("x"), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
	wantStored(t, store, token, "x")
	if err := store.Commit(token, []byte("x"), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.Is(err, session.ErrGone) {
		t.Errorf("%v, want ErrGone", err)
	}
}
