package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

func place(t testing.TB) string { return filepath.Join(t.TempDir(), "secrets.db") }

func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	store, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func mustClose(t testing.TB, store *Store) {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

var people = []string{"alice", "bob", "carol", "dave"}

func keyOf(user string) factor.Key { return factor.Key{App: "wiki-of-the-test", User: user} }

// fill writes a record for each user, and some of them twice.
func fill(t testing.TB, store *Store) map[string]factor.Version {
	t.Helper()
	versions := map[string]factor.Version{}
	for round := range 3 {
		for i, user := range people[:len(people)-round] {
			version, err := store.Put(t.Context(), keyOf(user), storetest.NewRecord(user, byte(i)), versions[user])
			if err != nil {
				t.Fatal(err)
			}
			versions[user] = version
		}
	}
	return versions
}

// made returns a closed database with a record for each user.
func made(t testing.TB) (path string, versions map[string]factor.Version) {
	t.Helper()
	path = place(t)
	store := mustOpen(t, path)
	versions = fill(t, store)
	mustClose(t, store)
	return path, versions
}

func wantPeople(t testing.TB, store *Store, versions map[string]factor.Version) {
	t.Helper()
	for i, user := range people {
		record, version, err := store.Get(t.Context(), keyOf(user))
		if err != nil || version != versions[user] || !bytes.Equal(record.Factors[0].Secret, storetest.NewRecord(user, byte(i)).Factors[0].Secret) {
			t.Errorf("%s: version %d, %v", user, version, err)
		}
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) factor.Store { return mustOpen(t, place(t)) })
}

func TestReopen(t *testing.T) {
	path, versions := made(t)
	for range 3 {
		store := mustOpen(t, path)
		wantPeople(t, store, versions)
		if _, _, err := store.Get(t.Context(), keyOf("mallory")); !errors.Is(err, factor.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
		mustClose(t, store)
	}
	// Versions go on where they were, also after a deletion and a restart.
	store := mustOpen(t, path)
	if err := store.Delete(t.Context(), keyOf("alice"), versions["alice"]); err != nil {
		t.Fatal(err)
	}
	mustClose(t, store)
	store = mustOpen(t, path)
	version, err := store.Put(t.Context(), keyOf("alice"), storetest.NewRecord("alice", 9), 0)
	if err != nil {
		t.Fatal(err)
	}
	for user, earlier := range versions {
		if version <= earlier {
			t.Errorf("version %d is not later than %s's %d", version, user, earlier)
		}
	}
}

// TestManyRecords makes a tree of several levels, reads it back after a restart, and empties it.
func TestManyRecords(t *testing.T) {
	const many = 400
	path := place(t)
	store := mustOpen(t, path)
	store.database.NoSync = true // the test is not about the disk
	versions := make([]factor.Version, many)
	for i := range versions {
		user := fmt.Sprint("user", i)
		var err error
		if versions[i], err = store.Put(t.Context(), keyOf(user), storetest.NewRecord(user, byte(i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, store)
	store = mustOpen(t, path)
	store.database.NoSync = true
	for i, version := range versions {
		key := keyOf(fmt.Sprint("user", i))
		if _, got, err := store.Get(t.Context(), key); err != nil || got != version {
			t.Fatalf("%d: version %d, %v", i, got, err)
		}
		if err := store.Delete(t.Context(), key, version); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, store)
	store = mustOpen(t, path)
	if store.summary.count != 0 || len(store.versions) != 0 || store.summary.sum != [32]byte{} {
		t.Errorf("%d records are left", store.summary.count)
	}
}

// TestP9_NothingIsReadable looks for names and seeds in the file.
func TestP9_NothingIsReadable(t *testing.T) {
	path, _ := made(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append([]string{"wiki-of-the-test", "secret", "SHA1", "enrolment", string(bytes.Repeat([]byte{1}, 20))}, people...) {
		if bytes.Contains(content, []byte(text)) {
			t.Errorf("%q is in the file", text)
		}
	}
}

// TestFreshNonce: the same record written twice gives different sealed bytes.
func TestFreshNonce(t *testing.T) {
	store := mustOpen(t, place(t))
	seen := map[string]bool{}
	var version factor.Version
	for range 50 {
		var err error
		if version, err = store.Put(t.Context(), keyOf("alice"), storetest.NewRecord("alice", 1), version); err != nil {
			t.Fatal(err)
		}
		value, err := store.get(t.Context(), store.sealer.name(keyOf("alice")))
		if err != nil {
			t.Fatal(err)
		}
		nonce := string(value[8:32])
		if seen[nonce] {
			t.Fatal("a nonce was used twice")
		}
		seen[nonce] = true
	}
}

func TestClosed(t *testing.T) {
	store := mustOpen(t, place(t))
	versions := fill(t, store)
	mustClose(t, store)
	mustClose(t, store)
	if _, _, err := store.Get(t.Context(), keyOf("alice")); !errors.Is(err, factor.ErrUnavailable) || errors.Is(err, factor.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := store.Put(t.Context(), keyOf("alice"), storetest.NewRecord("alice", 1), versions["alice"]); !errors.Is(err, factor.ErrUnavailable) {
		t.Errorf("Put: %v", err)
	}
	if err := store.Delete(t.Context(), keyOf("alice"), versions["alice"]); !errors.Is(err, factor.ErrUnavailable) {
		t.Errorf("Delete: %v", err)
	}
}

// TestCloseWhileInUse closes under readers and writers; run with -race.
func TestCloseWhileInUse(t *testing.T) {
	store := mustOpen(t, place(t))
	fill(t, store)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for {
				record, version, err := store.Get(t.Context(), keyOf(people[i%4]))
				if err == nil {
					_, err = store.Put(t.Context(), keyOf(people[i%4]), record, version)
				}
				if errors.Is(err, factor.ErrUnavailable) {
					return
				}
				if err != nil && !errors.Is(err, factor.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	time.AfterFunc(20*time.Millisecond, func() { _ = store.Close() })
	group.Wait()
}

func TestInUse(t *testing.T) {
	path := place(t)
	store := mustOpen(t, path)
	fill(t, store)
	began := time.Now()
	_, err := Open(path, Options{LockTimeout: 100 * time.Millisecond})
	if !errors.Is(err, ErrInUse) || !errors.Is(err, factor.ErrUnavailable) {
		t.Errorf("%v, want ErrInUse", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	mustClose(t, store)
	mustOpen(t, path)
}

func TestDeriveKey(t *testing.T) {
	path := place(t)
	store := mustOpen(t, path)
	first := store.DeriveKey("sessions")
	if len(first) != 32 {
		t.Fatalf("%d bytes", len(first))
	}
	for _, label := range []string{"", "session", "sessions ", "own: records", "records"} {
		if bytes.Equal(first, store.DeriveKey(label)) {
			t.Errorf("%q gives the same key", label)
		}
	}
	own, err := derive(store.sealer.root, "own: records")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(own, store.DeriveKey("own: records")) || bytes.Equal(store.DeriveKey(""), store.sealer.root) {
		t.Error("a key of this package was handed out")
	}
	want := bytes.Clone(first)
	clear(first)
	mustClose(t, store)
	if !bytes.Equal(mustOpen(t, path).DeriveKey("sessions"), want) {
		t.Error("after a restart it is another key")
	}
	if bytes.Equal(mustOpen(t, place(t)).DeriveKey("sessions"), want) {
		t.Error("another store has the same key")
	}
}

// TestReconcile: a commit that failed may or may not have been written. Afterwards the store agrees with the file.
func TestReconcile(t *testing.T) {
	store := mustOpen(t, place(t))
	versions := fill(t, store)
	n := store.sealer.name(keyOf("alice"))
	before := store.summary
	version, err := store.Put(t.Context(), keyOf("alice"), storetest.NewRecord("alice", 77), versions["alice"])
	if err != nil {
		t.Fatal(err)
	}
	after := store.summary

	// It was written, and the store thinks that it was not.
	store.summary, store.versions[n] = before, versions["alice"]
	store.reconcile(n, after)
	if store.broken != nil || store.summary != after || store.versions[n] != version {
		t.Errorf("written: broken %v, version %d", store.broken, store.versions[n])
	}
	// It was not written.
	imagined := after
	imagined.last++
	store.reconcile(n, imagined)
	if store.broken != nil || store.summary != after || store.versions[n] != version {
		t.Errorf("not written: broken %v, version %d", store.broken, store.versions[n])
	}
	// The file has neither state.
	store.summary = before
	store.reconcile(n, imagined)
	if _, _, err := store.Get(t.Context(), keyOf("alice")); !errors.Is(err, ErrDamaged) {
		t.Errorf("neither: %v", err)
	}
}

// TestFullDisk: a write to a full disk returns an error and changes nothing, and the next write works.
func TestFullDisk(t *testing.T) {
	store := mustOpen(t, place(t))
	versions := fill(t, store)
	store.database.MaxSize = 1
	var failed error
	user := ""
	for i := range 2000 {
		user = fmt.Sprint("new", i)
		if _, failed = store.Put(t.Context(), keyOf(user), storetest.NewRecord(user, 1), 0); failed != nil {
			break
		}
	}
	if !errors.Is(failed, factor.ErrUnavailable) {
		t.Fatalf("%v, want ErrUnavailable", failed)
	}
	wantPeople(t, store, versions)
	if _, _, err := store.Get(t.Context(), keyOf(user)); !errors.Is(err, factor.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	store.database.MaxSize = 0
	if _, err := store.Put(t.Context(), keyOf(user), storetest.NewRecord(user, 1), 0); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// edit changes the database directly with bbolt.
func edit(t testing.TB, path string, change func(tx *bolt.Tx) error) {
	t.Helper()
	database, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Update(change); err != nil {
		t.Fatal(err)
	}
	if err := database.Close(); err != nil {
		t.Fatal(err)
	}
}
