package filestore

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

// fillWith puts many records in with one transaction, since a commit for each takes long.
func fillWith(t *testing.T, s *Store, users int) {
	t.Helper()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	next := s.summary
	err := s.database.Update(func(tx *bolt.Tx) error {
		for i := range users {
			key := factor.Key{App: "wiki", User: fmt.Sprintf("user-%05d", i)}
			document, err := factor.EncodeRecord(storetest.NewReady(key.User, byte(i)))
			if err != nil {
				return err
			}
			next.last++
			value, err := s.sealer.sealRecord(key, next.last, document)
			if err != nil {
				return err
			}
			n := s.sealer.name(key)
			if err := tx.Bucket(bucketRecords).Put(n[:], value); err != nil {
				return err
			}
			next.count++
			next = next.with(s.sealer.sum(n, next.last))
			s.versions[n] = next.last
		}
		return s.sealer.putSummary(tx, next)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.summary = next
}

// TestTenThousandUsers: lists stay right while records change, also while the directory is being made. The log has the
// times of the first list, which makes it, and of one that only reads it.
func TestTenThousandUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.db")
	store, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	const users = 10_000
	fillWith(t, store, users)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			key := factor.Key{App: "wiki", User: fmt.Sprintf("user-%05d", i*7)}
			record, version, err := store.Get(t.Context(), key)
			if err != nil {
				t.Error(err)
				return
			}
			record.Throttle = factor.ThrottleState{Failures: 100, LastFailure: time.Now().UTC()}
			if _, err := store.Put(t.Context(), key, record, version); err != nil {
				t.Error(err)
			}
		})
	}
	began := time.Now()
	page, err := store.List(t.Context(), factor.Query{App: "wiki"})
	took := time.Since(began)
	if err != nil || len(page.Users) != factor.MaxPage || page.Users[99].User != "user-00099" || page.Next == "" {
		t.Fatalf("%d users, %v", len(page.Users), err)
	}
	t.Logf("the first page took %s", took)
	group.Wait()
	stopped := factor.Query{App: "wiki", Keep: func(l factor.Listed) bool { return l.Throttle.Failures >= 100 }}
	began = time.Now()
	page, err = store.List(t.Context(), stopped)
	if err != nil || len(page.Users) != 20 || page.Next != "" {
		t.Errorf("%d are stopped, %v", len(page.Users), err)
	}
	t.Logf("who is stopped took %s", time.Since(began))
	if page, err := store.List(t.Context(), factor.Query{App: "wiki", Prefix: "user-0999"}); err != nil || len(page.Users) != 10 {
		t.Errorf("by prefix: %d, %v", len(page.Users), err)
	}
}
