package session

import (
	"context"
	"encoding/binary"
	"time"
)

// versionOf is the number of a version; what a Memory did not make has no number that it knows.
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

// SwapCtx implements Swapper. ErrFull when there is no room for a new session.
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

// MoveCtx implements Swapper. ErrFull when there is no room for a new session.
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
	// The new one first, for it may find no room. A token that is moved makes none: it becomes a tombstone, and one
	// session beyond the bound for as long as the lock is held does no harm.
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

// EachCtx implements Lister, from one moment: see All.
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

// lockBoth locks two shards, or one, in the order that All keeps to.
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

// knows reports whether there is a live session or a tombstone of the token. The shard is locked.
func (s *shard) knows(token string, now int64) bool {
	found, ok := s.live[token]
	return ok && found.expiry > now || s.isDead(token, now)
}

// expects returns nil when the token's session is alive and has the version. The shard is locked.
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
