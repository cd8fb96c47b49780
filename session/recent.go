package session

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"sallyport.example/sallyport/gate"
)

const (
	// MaxRecent is the longest that a Recent remembers anything. It ensures that an order to end a session, given at
	// another node, takes effect at this one within a second, including the requests in between (P8).
	MaxRecent = 500 * time.Millisecond
	// recentMax is how many sessions each of a Recent's parts remembers at most.
	recentMax = 256
)

// Recent reduces the calls to a distant store: it remembers for a moment the verified sessions that it found there, so
// that only one of the requests that a page makes at once asks the store. It is itself a Store, for use in one process,
// and safe for concurrent use.
//
// Writes of this process take effect at once, writes of another one within half a second. That is also true of the held
// cookies: if two nodes serve one browser at nearly the same time, the second may still send the app a cookie that the
// first has replaced, as two simultaneous requests may at any node. Changes are made by compare-and-set on what the
// store itself says, so that none is lost.
//
// Only verified sessions are remembered: no flood of strangers fills this memory, and a challenge that was passed at
// one node is passed at all. The absence of a session is not remembered either.
type Recent struct {
	Contextless

	store  Store
	now    func() time.Time
	seed   maphash.Seed
	shards [memoryShards]recentShard
}

type recentShard struct {
	mutex sync.RWMutex
	found map[string]recentEntry
	// writes counts the beginnings and ends of writes: a result that was read during one is not kept.
	writes uint64
	swept  int64
	_      [64]byte // keeps the locks of two shards out of one cache line
}

type recentEntry struct {
	stored []byte // never changed, only replaced
	until  int64  // Unix nanoseconds
}

// NewRecent makes a Recent over a store. now is the clock, default time.Now.
func NewRecent(store Store, now func() time.Time) *Recent {
	if now == nil {
		now = time.Now
	}
	r := &Recent{store: store, now: now, seed: maphash.MakeSeed()}
	r.Contextless = NewContextless(r)
	for i := range r.shards {
		r.shards[i].found = make(map[string]recentEntry)
	}
	return r
}

func (r *Recent) shard(token string) *recentShard {
	return &r.shards[maphash.String(r.seed, token)%memoryShards]
}

// FindCtx returns what was found a moment ago, or asks the store. Its result must not be changed.
func (r *Recent) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	s := r.shard(token)
	s.mutex.RLock()
	entry, known := s.found[token]
	s.mutex.RUnlock()
	// If the clock was set back, the moment must not become longer.
	if left := entry.until - r.now().UnixNano(); known && left > 0 && left <= int64(MaxRecent) {
		return entry.stored, true, nil
	}
	return r.FindNowCtx(ctx, token)
}

// FindNowCtx is like FindCtx but always asks the store.
func (r *Recent) FindNowCtx(ctx context.Context, token string) ([]byte, bool, error) {
	s := r.shard(token)
	began := r.now()
	s.mutex.RLock()
	writes := s.writes
	s.mutex.RUnlock()
	stored, found, err := r.store.FindCtx(ctx, token)
	if err != nil || !found || stateOf(stored) != gate.Verified {
		return stored, found, err
	}
	// The moment begins before the store was asked: its answer may have been old when it came.
	s.remember(token, recentEntry{stored, began.Add(MaxRecent).UnixNano()}, writes, began.UnixNano())
	return stored, true, nil
}

func (s *recentShard) remember(token string, entry recentEntry, writes uint64, now int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.writes != writes {
		return
	}
	if now-s.swept >= int64(MaxRecent) || now < s.swept {
		s.swept = now
		for other, old := range s.found {
			if old.until <= now {
				delete(s.found, other)
			}
		}
	}
	if len(s.found) < recentMax {
		s.found[token] = entry
	}
}

// writing forgets a token before and after it is written.
func (r *Recent) writing(token string, write func() error) error {
	s := r.shard(token)
	s.forget(token)
	defer s.forget(token)
	return write()
}

func (s *recentShard) forget(token string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.found, token)
	s.writes++
}

// CommitCtx calls the store, as the following methods do.
func (r *Recent) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	return r.writing(token, func() error { return r.store.CommitCtx(ctx, token, stored, expiry) })
}

// DeleteCtx calls the store.
func (r *Recent) DeleteCtx(ctx context.Context, token string) error {
	return r.writing(token, func() error { return r.store.DeleteCtx(ctx, token) })
}

// ClaimCtx calls the store.
func (r *Recent) ClaimCtx(ctx context.Context, token string) (claimed bool, err error) {
	err = r.writing(token, func() (err error) {
		claimed, err = r.store.ClaimCtx(ctx, token)
		return err
	})
	return claimed, err
}

// SwapCtx calls the store.
func (r *Recent) SwapCtx(ctx context.Context, token string, expected Version, stored []byte, expiry time.Time) error {
	return r.writing(token, func() error { return r.store.SwapCtx(ctx, token, expected, stored, expiry) })
}

// MoveCtx calls the store.
func (r *Recent) MoveCtx(ctx context.Context, token string, expected Version, newToken string, stored []byte, expiry time.Time) error {
	return r.writing(token, func() error {
		return r.writing(newToken, func() error { return r.store.MoveCtx(ctx, token, expected, newToken, stored, expiry) })
	})
}

// FindVersionCtx asks the store, because changes are based on its result.
func (r *Recent) FindVersionCtx(ctx context.Context, token string) ([]byte, Version, bool, error) {
	return r.store.FindVersionCtx(ctx, token)
}

// EachCtx asks the store.
func (r *Recent) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	return r.store.EachCtx(ctx, visit)
}

// OwnedCtx asks the store.
func (r *Recent) OwnedCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error {
	return r.store.OwnedCtx(ctx, owners, visit)
}

// OwnedNowCtx asks the store.
func (r *Recent) OwnedNowCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error {
	return ownedNow(ctx, r.store, owners, visit)
}

// UnlabelledCtx asks the store.
func (r *Recent) UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	return r.store.UnlabelledCtx(ctx, visit)
}

// PurposeKeys implements Keyring with the keys of the underlying store, if it has any.
func (r *Recent) PurposeKeys(ctx context.Context, purpose string) ([][]byte, error) {
	if able, ok := r.store.(Keyring); ok {
		return able.PurposeKeys(ctx, purpose)
	}
	return nil, nil
}

var (
	_ Store   = (*Recent)(nil)
	_ Keyring = (*Recent)(nil)
)
