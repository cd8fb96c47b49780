package session

import (
	"context"
	"slices"
	"sync"
)

// memoryIndex has the sessions of a Memory by their owners. Its lock is taken by those who hold a shard's, never the
// other way round; so a reader gets everything from here, stored bytes included, in one moment.
type memoryIndex struct {
	mutex      sync.RWMutex
	owned      map[Owner][]ownedEntry
	unlabelled int
}

type ownedEntry struct {
	token  string
	stored []byte // that of the entry, never changed
	expiry int64
}

// replace follows a change of what stands under a token; an entry without bytes is none. The token's shard is locked.
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

// unlabelled is 1 for a session that was stored without a label.
func (e entry) unlabelled() int {
	if e.version != 0 && e.label == (Label{}) {
		return 1
	}
	return 0
}

// OwnedCtx implements Index, from one moment.
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

// set puts an entry in the place of whatever stands under the token. The shard is locked.
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

// drop takes an entry out. The shard is locked.
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

// endOldestStranger makes room by the stranger's session that has been there for longest. The shard is locked.
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
