package session

import (
	"hash/maphash"
	"sync"
)

// locks gives every name a lock of its own. The table of names is split into stripes, so that no lock is shared by all
// requests; the locks themselves are not, so that a slow change to one session never holds up another one.
type locks struct {
	seed    maphash.Seed
	stripes [64]stripe
}

type stripe struct {
	mutex sync.Mutex
	names map[string]*lock
}

type lock struct {
	mutex sync.Mutex
	users int
}

func newLocks() *locks {
	l := &locks{seed: maphash.MakeSeed()}
	for i := range l.stripes {
		l.stripes[i].names = make(map[string]*lock)
	}
	return l
}

// lock waits for the name's lock and returns what releases it. A lock that nobody uses takes no memory.
func (l *locks) lock(name string) (unlock func()) {
	s := &l.stripes[maphash.String(l.seed, name)%uint64(len(l.stripes))]
	s.mutex.Lock()
	one := s.names[name]
	if one == nil {
		one = new(lock)
		s.names[name] = one
	}
	one.users++
	s.mutex.Unlock()

	one.mutex.Lock()
	return func() {
		one.mutex.Unlock()
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if one.users--; one.users == 0 {
			delete(s.names, name)
		}
	}
}
