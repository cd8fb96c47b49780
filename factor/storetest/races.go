package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/factor"
)

// race runs attempt in parallel and counts those that won; all others must have failed with an error of lost.
func race(t *testing.T, lost []error, attempt func(i int) error) int {
	t.Helper()
	var wins atomic.Int64
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range Parallel {
		group.Go(func() {
			<-start
			err := attempt(i)
			if err == nil {
				wins.Add(1)
				return
			}
			for _, expected := range lost {
				if errors.Is(err, expected) {
					return
				}
			}
			t.Errorf("a loser got %v, want one of %v", err, lost)
		})
	}
	close(start)
	group.Wait()
	return int(wins.Load())
}

func testParallelCreate(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	var winner atomic.Int64
	wins := race(t, []error{factor.ErrConflict}, func(i int) error {
		_, err := store.Put(t.Context(), key, NewRecord("alice", byte(i)), 0)
		if err == nil {
			winner.Store(int64(i))
		}
		return err
	})
	if wins != 1 {
		t.Fatalf("%d creations won, want 1", wins)
	}
	got, _, err := store.Get(t.Context(), key)
	if err != nil || !equal(got, NewRecord("alice", byte(winner.Load()))) {
		t.Errorf("what is stored is not what the winner wrote (%v)", err)
	}
}

func testParallelUpdate(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	version := put(t, store, key, NewRecord("alice", 100), 0)
	wins := race(t, []error{factor.ErrConflict}, func(i int) error {
		_, err := store.Put(t.Context(), key, NewRecord("alice", byte(i)), version)
		return err
	})
	if wins != 1 {
		t.Fatalf("%d updates won, want 1", wins)
	}
}

func testParallelDelete(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	version := put(t, store, key, NewRecord("alice", 1), 0)
	lost := []error{factor.ErrConflict, factor.ErrNotFound}
	wins := race(t, lost, func(int) error { return store.Delete(t.Context(), key, version) })
	if wins != 1 {
		t.Fatalf("%d deletions won, want 1", wins)
	}
	wantNone(t, store, key)

	version = put(t, store, key, NewRecord("alice", 1), 0)
	wins = race(t, lost, func(i int) error {
		if i%2 == 0 {
			return store.Delete(t.Context(), key, version)
		}
		_, err := store.Put(t.Context(), key, NewRecord("alice", byte(i)), version)
		return err
	})
	if wins != 1 {
		t.Fatalf("%d deletions and updates of one version won, want 1", wins)
	}
}

// testNoLostUpdate increments one count in fifty goroutines; each retries until its increment is written.
func testNoLostUpdate(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	record := NewRecord("alice", 1)
	record.Throttle.Failures = 0
	put(t, store, key, record, 0)
	race(t, nil, func(int) error {
		for {
			record, version, err := store.Get(t.Context(), key)
			if err != nil {
				return err
			}
			record.Throttle.Failures++
			if _, err := store.Put(t.Context(), key, record, version); !errors.Is(err, factor.ErrConflict) {
				return err
			}
		}
	})
	got, _, err := store.Get(t.Context(), key)
	if err != nil || got.Throttle.Failures != Parallel {
		t.Errorf("counted to %d (%v), want %d", got.Throttle.Failures, err, Parallel)
	}
}
