package session

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
)

// memoryIndex has the sessions of a Memory by their owners. Its lock is taken while a shard's lock is held, never the
// other way round. So a reader gets everything from here, including stored bytes, as of one moment.
type memoryIndex struct {
	mutex      sync.RWMutex
	owned      map[Owner][]ownedEntry
	unlabelled int
}

type ownedEntry struct {
	token  string
	stored []byte // the entry's bytes, never changed
	expiry int64
}

// replace follows a change of a token's entry; an entry without bytes means none. The token's shard is locked.
func (i *memoryIndex) replace(token string, before, after entry) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.unlabelled += after.unlabelled() - before.unlabelled()
	if owner := before.label.Owner; owner != (Owner{}) {
		all := i.owned[owner]
		if at := slices.IndexFunc(all, func(e ownedEntry) bool { return e.token == token }); at >= 0 {
			all[at] = all[len(all)-1]
			all[len(all)-1] = ownedEntry{}
			all = all[:len(all)-1]
		}
		if i.owned[owner] = all; len(all) == 0 {
			delete(i.owned, owner)
		}
	}
	if owner := after.label.Owner; owner != (Owner{}) {
		i.owned[owner] = append(i.owned[owner], ownedEntry{token, after.stored, after.expiry})
	}
}

// unlabelled returns 1 for a session that was stored without a label, else 0.
func (e entry) unlabelled() int {
	if e.version != 0 && e.label == (Label{}) {
		return 1
	}
	return 0
}

// OwnedCtx implements Index, as of one moment.
func (m *Memory) OwnedCtx(_ context.Context, owners []Owner, visit func(token string, stored []byte) error) error {
	now := m.options.Now().UnixNano()
	var found []ownedEntry
	m.index.mutex.RLock()
	for _, owner := range owners {
		found = append(found, m.index.owned[owner]...)
	}
	m.index.mutex.RUnlock()
	for _, one := range found {
		if one.expiry <= now {
			continue
		}
		if err := visit(one.token, one.stored); err != nil {
			return err
		}
	}
	return nil
}

// UnlabelledCtx implements Index.
func (m *Memory) UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	m.index.mutex.RLock()
	none := m.index.unlabelled == 0
	m.index.mutex.RUnlock()
	if none {
		return nil
	}
	return m.EachCtx(ctx, visit)
}

// set replaces the token's entry. The shard is locked.
func (s *shard) set(token string, fresh entry) {
	old := s.live[token]
	s.live[token] = fresh
	s.peak = max(s.peak, len(s.live))
	s.count(old, -1)
	s.count(fresh, 1)
	if fresh.label.Stranger && !old.label.Stranger {
		if len(s.queue) > 2*s.strangers+sampleSize {
			s.queue = slices.DeleteFunc(s.queue, func(token string) bool { return !s.live[token].label.Stranger })
		}
		s.queue = append(s.queue, token)
	}
	s.index.replace(token, old, fresh)
}

// drop removes an entry. The shard is locked.
func (s *shard) drop(token string, old entry) {
	delete(s.live, token)
	s.count(old, -1)
	s.index.replace(token, old, entry{})
}

func (s *shard) count(e entry, by int) {
	if e.label.Stranger {
		s.strangers += by
	}
}

// endOldestStranger makes room by ending the oldest stranger's session. The shard is locked.
func (s *shard) endOldestStranger() bool {
	for len(s.queue) > 0 {
		token := s.queue[0]
		s.queue[0] = ""
		s.queue = s.queue[1:]
		if old := s.live[token]; old.label.Stranger {
			s.drop(token, old)
			return true
		}
	}
	return false
}

// versionOf returns the number of a version; a version that no Memory made has no known number.
func versionOf(v Version) uint64 {
	if binary.BigEndian.Uint64(v[8:]) != 0 {
		return 0
	}
	return binary.BigEndian.Uint64(v[:])
}

func (e entry) asVersion() (v Version) {
	binary.BigEndian.PutUint64(v[:], e.version)
	return v
}

// FindVersionCtx implements Swapper.
func (m *Memory) FindVersionCtx(_ context.Context, token string) ([]byte, Version, bool, error) {
	found, ok := m.find(token)
	if !ok {
		return nil, Version{}, false, nil
	}
	return found.stored, found.asVersion(), true, nil
}

// SwapCtx implements Swapper. It returns ErrFull if there is no room for a new session.
func (m *Memory) SwapCtx(ctx context.Context, token string, expected Version, stored []byte, expiry time.Time) error {
	now := m.options.Now().UnixNano()
	s := m.shard(token)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if expected == (Version{}) {
		if s.knows(token, now) {
			return ErrGone
		}
	} else if err := s.expects(token, expected, now); err != nil {
		return err
	}
	return s.put(token, entry{stored: stored, expiry: expiry.UnixNano(), label: LabelOf(ctx)}, now, m.shardMax())
}

// MoveCtx implements Swapper. It returns ErrFull if there is no room for a new session.
func (m *Memory) MoveCtx(
	ctx context.Context, token string, expected Version, newToken string, stored []byte, expiry time.Time,
) error {
	now := m.options.Now().UnixNano()
	from, to := m.shard(token), m.shard(newToken)
	defer lockBoth(m, from, to)()
	if err := from.expects(token, expected, now); err != nil {
		return err
	}
	old := from.live[token]
	if to.knows(newToken, now) {
		return ErrGone
	}
	// The new one is stored first, because it may find no room. Moving a token frees none: the old one becomes a
	// tombstone. One session above the bound while the lock is held does no harm.
	most := m.shardMax()
	if from == to {
		most++
	}
	fresh := entry{stored: stored, expiry: expiry.UnixNano(), label: LabelOf(ctx)}
	if err := to.put(newToken, fresh, now, most); err != nil {
		return err
	}
	from.bury(token, old, now, m.shardMax())
	return nil
}

// EachCtx implements Lister, as of one moment: see All.
func (m *Memory) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	all, err := m.AllCtx(ctx)
	if err != nil {
		return err
	}
	for token, stored := range all {
		if err := visit(token, stored); err != nil {
			return err
		}
	}
	return nil
}

// lockBoth locks two shards, or one, in the order that All uses.
func lockBoth(m *Memory, a, b *shard) (unlock func()) {
	for i := range m.shards {
		if s := &m.shards[i]; s == a || s == b {
			s.mutex.Lock()
		}
	}
	return func() {
		a.mutex.Unlock()
		if b != a {
			b.mutex.Unlock()
		}
	}
}

// knows reports whether the token has a live session or a tombstone. The shard is locked.
func (s *shard) knows(token string, now int64) bool {
	found, ok := s.live[token]
	return ok && found.expiry > now || s.isDead(token, now)
}

// expects returns nil if the token's session is alive and has the version. The shard is locked.
func (s *shard) expects(token string, expected Version, now int64) error {
	found, ok := s.live[token]
	switch {
	case !ok || found.expiry <= now:
		return ErrGone
	case found.version != versionOf(expected):
		return ErrChanged
	}
	return nil
}

const (
	// MaxVerified is the default number of verified sessions of an account. If a sign-in makes one more, the least
	// recently used one ends.
	MaxVerified = 64
	// MaxWaiting is the default number of an account's sessions that wait for a factor at the same time. They are
	// counted separately, because anybody who has the password can make them, and they must not push verified ones out.
	MaxWaiting = 16
)

// owned is a session of an account, by its name in the store.
type owned struct {
	key  string
	data *Data
}

// bound ends the sessions that an account has above its limits, after one of its sessions has changed its state. Errors
// have no effect: the next sign-in tries again. A store without an index is skipped, because it would have to be walked
// over.
func (m *Manager) bound(ctx context.Context, token string, data *Data) {
	if m.shared.store.index == nil || data.State == gate.Anonymous {
		return
	}
	mine := storeKey(token)
	var all []owned
	seen := make(map[string]bool)
	err := m.eachOf(ctx, data.Identity, func(key string, stored []byte) {
		other, deadline, err := decode(stored)
		if err == nil && m.alive(other, deadline) && (other.State == gate.Verified) == (data.State == gate.Verified) && !seen[key] {
			seen[key] = true
			all = append(all, owned{key, other})
		}
	})
	if err != nil {
		return
	}
	surplus := leastUsed
	most := m.config.MaxVerified
	if data.State != gate.Verified {
		surplus, most = longestWaiting, m.config.MaxWaiting
	}
	for len(all) > most {
		at := surplus(all, mine)
		if at < 0 || m.shared.store.DeleteCtx(ctx, all[at].key) != nil {
			return
		}
		all = slices.Delete(all, at, at+1)
	}
}

// leastUsed picks the least recently used session other than mine.
func leastUsed(all []owned, mine string) int {
	return first(all, mine, func(a, b owned) int { return a.data.Seen.Compare(b.data.Seen) })
}

// longestWaiting picks the longest waiting session of the network that most of the sessions come from. So an attacker
// who makes many pushes out his own, and not that of the owner who is just typing her code.
func longestWaiting(all []owned, mine string) int {
	from := make(map[string]int)
	for _, one := range all {
		from[one.network()]++
	}
	return first(all, mine, func(a, b owned) int {
		return cmp.Or(-cmp.Compare(from[a.network()], from[b.network()]), a.data.Since.Compare(b.data.Since))
	})
}

// network returns the network that the session's sign-in came from, which counts as one client.
func (o owned) network() string { return match.Network(o.data.from().Address) }

// first returns the index of the smallest other than mine; -1 if there is none.
func first(all []owned, mine string, compare func(a, b owned) int) int {
	found := -1
	for i := range all {
		if all[i].key != mine && (found < 0 || compare(all[i], all[found]) < 0) {
			found = i
		}
	}
	return found
}
