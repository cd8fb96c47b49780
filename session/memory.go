package session

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"sallyport.example/sallyport/gate"
)

const (
	// memoryShards is the number of parts that the memory store is split into, each with a lock of its own.
	memoryShards = 64
	// sampleSize is how many sessions are examined when one must make room.
	sampleSize = 32
)

// MemoryOptions are the settings of a Memory. The zero value means the defaults.
type MemoryOptions struct {
	// Max is the largest number of sessions, and of deleted tokens, that are kept; default 1 000 000, at least 64. They
	// are spread at random over 64 parts that are bounded one by one, so a part may be full a little earlier.
	Max int
	// Strangers is the largest number of anonymous sessions, spread and bounded likewise; default MaxStrangers, at
	// least 64. One more ends the oldest of them.
	Strangers int
	// Sweep is how often expired sessions are removed; default one minute. They are dead before that: sweeping only
	// frees memory.
	Sweep time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Memory is a store of sessions in this process's memory. It implements Store, scs.IterableStore and
// scs.IterableCtxStore, and is safe for concurrent use. It ignores contexts, because nothing here waits.
//
// A deleted token leaves a tombstone: Commit refuses it with ErrGone until 24 hours have passed, or until the session
// would have expired if that is later.
//
// Its size is bounded, and anonymous sessions have a share of their own. When it is full, a new session replaces an
// anonymous one, or a pending one if the new one is more than anonymous itself; a verified session is never replaced.
// If none can be replaced, Commit fails with ErrFull.
type Memory struct {
	options MemoryOptions
	seed    maphash.Seed
	shards  [memoryShards]shard
	index   memoryIndex
	stop    chan struct{}
	stopped chan struct{}
	close   sync.Once
}

type shard struct {
	mutex sync.RWMutex
	live  map[string]entry
	dead  map[string]int64 // when the tombstone ends, in Unix nanoseconds
	peak  int              // most entries since live was made
	last  uint64           // the newest version
	index *memoryIndex
	// queue has the strangers' sessions in the order in which they began, and also some that are not strangers' any
	// more; strangers is the number of strangers' sessions, and share the bound of that.
	queue            []string
	strangers, share int
	_                [64]byte // keeps the locks of two shards out of one cache line
}

type entry struct {
	stored  []byte // never changed, only replaced
	expiry  int64  // Unix nanoseconds
	version uint64
	label   Label
}

// NewMemory makes an empty store and starts its clean-up, which Close stops.
func NewMemory(options MemoryOptions) *Memory {
	if options.Max <= 0 {
		options.Max = 1_000_000
	}
	if options.Strangers <= 0 {
		options.Strangers = MaxStrangers
	}
	if options.Sweep <= 0 {
		options.Sweep = time.Minute
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	m := &Memory{
		options: options, seed: maphash.MakeSeed(),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	m.index.owned = make(map[Owner][]ownedEntry)
	for i := range m.shards {
		m.shards[i].index, m.shards[i].share = &m.index, max(1, options.Strangers/memoryShards)
		m.shards[i].live = make(map[string]entry)
		m.shards[i].dead = make(map[string]int64)
	}
	go m.sweepUntilStopped()
	return m
}

// Close stops the clean-up and waits for its end. The store itself stays usable, so that requests under way need not
// fail.
func (m *Memory) Close() error {
	m.close.Do(func() { close(m.stop) })
	<-m.stopped
	return nil
}

func (m *Memory) shard(token string) *shard {
	return &m.shards[maphash.String(m.seed, token)%memoryShards]
}

// shardMax returns the bound of one shard.
func (m *Memory) shardMax() int { return max(1, m.options.Max/memoryShards) }

// Find returns the stored bytes, which must not be changed.
func (m *Memory) Find(token string) ([]byte, bool, error) {
	found, ok := m.find(token)
	return found.stored, ok, nil
}

func (m *Memory) find(token string) (entry, bool) {
	s := m.shard(token)
	s.mutex.RLock()
	found, ok := s.live[token]
	s.mutex.RUnlock()
	if !ok || found.expiry <= m.options.Now().UnixNano() {
		return entry{}, false
	}
	return found, true
}

// Commit stores a copy. It returns ErrGone for a token that was deleted or an expiry that has passed, or ErrFull.
func (m *Memory) Commit(token string, stored []byte, expiry time.Time) error {
	return m.commit(Label{}, token, stored, expiry)
}

func (m *Memory) commit(label Label, token string, stored []byte, expiry time.Time) error {
	now := m.options.Now().UnixNano()
	s := m.shard(token)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.isDead(token, now) {
		return ErrGone
	}
	return s.put(token, entry{stored: stored, expiry: expiry.UnixNano(), label: label}, now, m.shardMax())
}

// isDead reports whether the token has a tombstone, and removes one that has ended. The shard is locked.
func (s *shard) isDead(token string, now int64) bool {
	until, ok := s.dead[token]
	if ok && until <= now {
		delete(s.dead, token)
		return false
	}
	return ok
}

// put stores a copy with a new version. The shard is locked.
func (s *shard) put(token string, fresh entry, now int64, most int) error {
	if fresh.expiry <= now {
		return ErrGone
	}
	old, known := s.live[token]
	for fresh.label.Stranger && !old.label.Stranger && s.strangers >= s.share && s.endOldestStranger() {
	}
	if !known && len(s.live) >= most && !s.endOldestStranger() && !s.makeRoom(stateOf(fresh.stored), now) {
		return ErrFull
	}
	s.last++
	fresh.stored, fresh.version = append(make([]byte, 0, len(fresh.stored)), fresh.stored...), s.last
	s.set(token, fresh)
	return nil
}

// Delete ends the session and leaves a tombstone, but not for an unknown token: anybody can make up tokens.
func (m *Memory) Delete(token string) error {
	m.bury(token)
	return nil
}

// ClaimCtx implements Claimer.
func (m *Memory) ClaimCtx(_ context.Context, token string) (bool, error) { return m.bury(token), nil }

// bury deletes a session and reports whether the token was alive until now.
func (m *Memory) bury(token string) bool {
	now := m.options.Now().UnixNano()
	s := m.shard(token)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found, ok := s.live[token]
	if !ok {
		return false
	}
	s.bury(token, found, now, m.shardMax())
	return found.expiry > now
}

// bury replaces a session by a tombstone, even if the session has just made room for another one. The shard is locked.
func (s *shard) bury(token string, found entry, now int64, most int) {
	if old, there := s.live[token]; there {
		s.drop(token, old)
	}
	if len(s.dead) >= most {
		s.forgetOneDead()
	}
	s.dead[token] = max(found.expiry, now+int64(TombstoneLife))
}

// All returns the sessions that are alive at one moment: while it copies, nothing is committed or deleted anywhere.
// That is why DestroyOthers can be sure that it missed none.
func (m *Memory) All() (map[string][]byte, error) {
	for i := range m.shards {
		m.shards[i].mutex.RLock()
		defer m.shards[i].mutex.RUnlock()
	}
	now := m.options.Now().UnixNano()
	all := make(map[string][]byte)
	for i := range m.shards {
		for token, one := range m.shards[i].live {
			if one.expiry > now {
				all[token] = one.stored
			}
		}
	}
	return all, nil
}

// Len returns the number of sessions in memory, including expired ones that were not swept yet.
func (m *Memory) Len() int {
	total := 0
	for i := range m.shards {
		m.shards[i].mutex.RLock()
		total += len(m.shards[i].live)
		m.shards[i].mutex.RUnlock()
	}
	return total
}

// Tombstones returns the number of deleted tokens that are remembered.
func (m *Memory) Tombstones() int {
	total := 0
	for i := range m.shards {
		m.shards[i].mutex.RLock()
		total += len(m.shards[i].dead)
		m.shards[i].mutex.RUnlock()
	}
	return total
}

// String returns the size only.
func (m *Memory) String() string { return fmt.Sprintf("memory(%d sessions)", m.Len()) }

// FindCtx is Find.
func (m *Memory) FindCtx(_ context.Context, token string) ([]byte, bool, error) { return m.Find(token) }

// CommitCtx is Commit, with a label.
func (m *Memory) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	return m.commit(LabelOf(ctx), token, stored, expiry)
}

// DeleteCtx is Delete.
func (m *Memory) DeleteCtx(_ context.Context, token string) error { return m.Delete(token) }

// AllCtx is All.
func (m *Memory) AllCtx(context.Context) (map[string][]byte, error) { return m.All() }

// stateOf returns the state of a stored session. An unreadable session counts as anonymous, so that it may be replaced.
func stateOf(stored []byte) gate.State {
	state, _, _, ok := peek(stored)
	if !ok {
		return gate.Anonymous
	}
	return state
}

// makeRoom removes one session to make room for a new one. It examines only a few random ones, so that a flood of
// strangers costs little.
func (s *shard) makeRoom(newcomer gate.State, now int64) bool {
	victim, rank, soonest, looked := "", gate.Verified, int64(0), 0
	for token, one := range s.live {
		if one.expiry <= now {
			s.drop(token, one)
			return true
		}
		state := stateOf(one.stored)
		mayGo := state == gate.Anonymous || state != gate.Verified && newcomer != gate.Anonymous
		if mayGo && (victim == "" || state < rank || state == rank && one.expiry < soonest) {
			victim, rank, soonest = token, state, one.expiry
		}
		if looked++; looked == sampleSize {
			break
		}
	}
	if victim == "" {
		return false
	}
	s.drop(victim, s.live[victim])
	return true
}

// forgetOneDead drops, of a few tombstones, the one that would have ended first.
func (s *shard) forgetOneDead() {
	victim, soonest, looked := "", int64(0), 0
	for token, until := range s.dead {
		if looked == 0 || until < soonest {
			victim, soonest = token, until
		}
		if looked++; looked == sampleSize {
			break
		}
	}
	delete(s.dead, victim)
}

func (m *Memory) sweepUntilStopped() {
	defer close(m.stopped)
	ticker := time.NewTicker(m.options.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.Sweep()
		case <-m.stop:
			return
		}
	}
}

// Sweep removes what has expired, one shard after the other. The clean-up calls it regularly.
func (m *Memory) Sweep() {
	now := m.options.Now().UnixNano()
	for i := range m.shards {
		m.shards[i].sweep(now)
	}
}

func (s *shard) sweep(now int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for token, one := range s.live {
		if one.expiry <= now {
			s.drop(token, one)
		}
	}
	for token, until := range s.dead {
		if until <= now {
			delete(s.dead, token)
		}
	}
	// A Go map never gives memory back, so after a flood the rest is moved into a new map.
	if s.peak > 256 && len(s.live) < s.peak/4 {
		smaller := make(map[string]entry, len(s.live))
		for token, one := range s.live {
			smaller[token] = one
		}
		s.live, s.peak = smaller, len(smaller)
	}
}
