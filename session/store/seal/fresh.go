package seal

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// missingFor is how long a key that is not in the ring is not looked for again. A ring is published before any node
	// seals with its keys, so a key that is not there when a value names it will not appear.
	missingFor = 10 * time.Second
	// mostMissing bounds how many such keys are remembered.
	mostMissing = 64
	// failedFor is how long the ring is not requested again after reading it again failed. Otherwise the waiting
	// callers would each try and fail one after the other.
	failedFor = 500 * time.Millisecond
)

// freshRing gets a ring from Keys, and reads it again if a key is not in it.
type freshRing struct {
	keys Keys
	turn chan struct{} // has one element while somebody refreshes

	mutex    sync.Mutex
	missing  map[KeyID]time.Time // when
	failed   error
	failedAt time.Time
}

func newFreshRing(keys Keys) *freshRing {
	return &freshRing{keys: keys, turn: make(chan struct{}, 1), missing: map[KeyID]time.Time{}}
}

// get returns the ring to seal with.
func (f *freshRing) get(ctx context.Context) (*Ring, error) {
	ring, err := f.keys.Ring(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	if ring == nil {
		return nil, unavailable(errNoRing)
	}
	return ring, nil
}

func unavailable(err error) error { return fmt.Errorf("keys of sessions: %w", err) }

// with returns a ring that has the key, or one read so recently that there certainly is no such key.
func (f *freshRing) with(ctx context.Context, id KeyID) (*Ring, error) {
	ring, err := f.get(ctx)
	if err != nil || id == 0 || ring.Has(id) || f.isMissing(id) {
		return ring, err
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	// While this call waited, another may have found the key, or found that it does not exist, or that reading fails.
	if ring, err = f.get(ctx); err != nil || ring.Has(id) || f.isMissing(id) {
		return ring, err
	}
	if err := f.failedLately(); err != nil {
		return nil, err
	}
	ring, err = f.refreshed(ctx)
	if err != nil {
		return nil, f.noteFailure(err)
	}
	if !ring.Has(id) {
		f.noteMissing(id)
	}
	return ring, nil
}

// refreshed reads the ring now.
func (f *freshRing) refreshed(ctx context.Context) (*Ring, error) {
	ring, err := f.keys.Refresh(ctx)
	if err == nil && ring == nil {
		err = errNoRing
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return ring, nil
}

func (f *freshRing) isMissing(id KeyID) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	at, ok := f.missing[id]
	return ok && time.Since(at) < missingFor
}

func (f *freshRing) noteMissing(id KeyID) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if len(f.missing) >= mostMissing {
		clear(f.missing)
	}
	f.missing[id] = time.Now()
}

func (f *freshRing) failedLately() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.failed != nil && time.Since(f.failedAt) < failedFor {
		return f.failed
	}
	return nil
}

func (f *freshRing) noteFailure(err error) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.failed, f.failedAt = err, time.Now()
	return err
}
