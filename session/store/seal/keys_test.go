package seal_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/session/store/seal"
	"sallyport.example/sallyport/session/store/seal/sealtest"
)

func ringOf(t testing.TB, id seal.KeyID) *seal.Ring {
	t.Helper()
	ring, err := seal.NewRing(id, map[seal.KeyID][]byte{id: sealtest.Key(id)})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// TestCachedGoesOnWithoutTheStore: once the ring was read, it stays available while the store of secrets is not, for
// however long. A new ring is found when the store is back.
func TestCachedGoesOnWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var current atomic.Pointer[seal.Ring]
		var loads atomic.Int32
		down := errors.New("connection refused")
		cached := seal.NewCached(func(context.Context) (*seal.Ring, error) {
			loads.Add(1)
			if ring := current.Load(); ring != nil {
				return ring, nil
			}
			return nil, down
		}, 0, 0)
		if loads.Load() != 0 {
			t.Error("read before the first use")
		}
		if _, err := cached.Ring(t.Context()); !errors.Is(err, down) {
			t.Errorf("%v, want that it is down", err)
		}
		first, second := ringOf(t, 1), ringOf(t, 2)
		current.Store(first)
		get := func(want *seal.Ring) {
			t.Helper()
			if ring, err := cached.Ring(t.Context()); err != nil || ring != want {
				t.Errorf("%v, %v; want %v", ring, err, want)
			}
			synctest.Wait()
		}
		get(first)
		before := loads.Load()
		for range 100 {
			get(first)
		}
		if loads.Load() != before {
			t.Error("read for each use")
		}
		current.Store(nil)
		if _, err := cached.Refresh(t.Context()); !errors.Is(err, down) {
			t.Errorf("%v, want that it is down", err)
		}
		before = loads.Load()
		for range 60 {
			time.Sleep(time.Minute)
			for range 10 {
				get(first)
			}
		}
		if tries := loads.Load() - before; tries < 50 || tries > 60 {
			t.Errorf("tried %d times in an hour", tries)
		}
		current.Store(second)
		time.Sleep(time.Minute)
		get(first) // this call starts the reading
		get(second)
		current.Store(first)
		if ring, err := cached.Refresh(t.Context()); err != nil || ring != first {
			t.Errorf("%v, %v", ring, err)
		}
		get(first)
	})
}

// TestCachedIsBounded: if the store of secrets hangs, no caller waits for longer than the timeout, and a caller whose
// context ends stops waiting.
func TestCachedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cached := seal.NewCached(func(ctx context.Context) (*seal.Ring, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, 0, time.Second)
		began := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if _, err := cached.Ring(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		gone, hangUp := context.WithCancel(t.Context())
		hangUp()
		for _, get := range []func(context.Context) (*seal.Ring, error){cached.Ring, cached.Refresh} {
			if _, err := get(gone); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if time.Since(began) != 0 {
			t.Error("waited on")
		}
		group.Wait()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestCachedReadsOnce: all callers that wait for the first ring share one reading.
func TestCachedReadsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loads := 0 // guarded by the lock of Cached; if not, the race detector complains
		ring := ringOf(t, 1)
		cached := seal.NewCached(func(context.Context) (*seal.Ring, error) {
			loads++
			time.Sleep(time.Second)
			return ring, nil
		}, 0, 0)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if got, err := cached.Ring(t.Context()); err != nil || got != ring {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if loads != 1 {
			t.Errorf("read %d times", loads)
		}
	})
}

// TestP6_NoRingIsAnError: a source that returns neither a ring nor an error gives an error.
func TestP6_NoRingIsAnError(t *testing.T) {
	none := seal.NewCached(func(context.Context) (*seal.Ring, error) { return nil, nil }, 0, 0)
	if _, err := none.Ring(t.Context()); err == nil {
		t.Error("no error")
	}
	store := seal.New(newMemory(t), seal.Fixed(nil), seal.Options{})
	if err := store.Commit("a", []byte("x"), time.Now().Add(time.Hour)); err == nil {
		t.Error("no error")
	}
}
