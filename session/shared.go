package session

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Shared is one store of sessions in one process. Make one for each store and keep it over reloads of the
// configuration, because its locks order the changes to a session. It has no goroutine and needs no closing; the store
// may.
type Shared struct {
	store    *backend
	sessions *scs.SessionManager
	locks    *locks
	decoded  *decodedCache
	// secret is what Keys are derived from if the store has none.
	secret [KeySize]byte
	// beside has the values of Manager.Beside.
	besideMutex sync.Mutex
	beside      map[any]any
}

// NewShared makes a Shared over the given store, which may be used by other processes too.
//
// The store must refuse to commit a token that was deleted, with ErrGone, for at least 24 hours: only it knows when
// another process deleted it. It should be an scs.CtxStore, so that its work can be bounded in time, and iterable
// (Lister, scs.IterableCtxStore or scs.IterableStore), which DestroyOthers needs. A Claimer makes a change of token
// exact over several processes, and a Swapper makes every step exact. A Store is all of these.
func NewShared(store scs.Store) *Shared {
	shared := &Shared{store: newBackend(store), locks: newLocks(), decoded: newDecodedCache(), secret: newSecret()}
	// scs.New is not used, because it starts a goroutine for a store that is thrown away at once. IdleTimeout is not
	// used, because with it a read counts as a change and brings destroyed sessions back. Lifetime is only a start;
	// each commit sets a deadline.
	shared.sessions = &scs.SessionManager{
		Lifetime:         24 * time.Hour,
		Store:            shared.store,
		Codec:            codec{},
		HashTokenInStore: true,
	}
	return shared
}

// Beside returns the value kept beside this app's sessions under a key; fresh makes it if there is none. It is for what
// must be known about sessions as long as this process keeps them: all Managers of one app get the same value, also
// after reloads. Keys are compared like those of a map; a package should use a type of its own. Safe for concurrent
// use.
func (m *Manager) Beside(key any, fresh func() any) any {
	type besideKey struct{ app, key any }
	full := besideKey{m.config.App, key}
	shared := m.shared
	shared.besideMutex.Lock()
	defer shared.besideMutex.Unlock()
	if there, found := shared.beside[full]; found {
		return there
	}
	if shared.beside == nil {
		shared.beside = make(map[any]any)
	}
	made := fresh()
	shared.beside[full] = made
	return made
}

// locks gives every name a lock of its own. The table of names is split into stripes, so that requests do not share one
// lock. Each name has its own lock, so that a slow change to one session never delays another.
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

// lock waits for the name's lock and returns the function that releases it. An unused lock takes no memory.
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

// NeedsTouch reports whether the use of a session at the given time has to be written down (gate.Lives.TouchDue).
func (m *Manager) NeedsTouch(data *Data, now time.Time) bool {
	return m.lives.TouchDue(data.State, now, data.Seen)
}

// Touch writes down that a session is in use, if NeedsTouch still says so after the session was read again. So only one
// of many simultaneous requests writes. Errors are like those of Take.
func (m *Manager) Touch(ctx context.Context, token string, now time.Time) error {
	_, err := m.update(ctx, token, func(data *Data) error {
		// Another request that began later may have touched the session meanwhile, and at this one's time that touch
		// would lie in the future.
		if later := m.config.Now(); later.After(now) {
			now = later
		}
		if !m.NeedsTouch(data, now) {
			return errNothing
		}
		data.Seen = now
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

const (
	// decodedSlots is how many sessions at most are kept decoded, a power of two.
	decodedSlots = 4096
	// decodedLargest is the size of the largest stored form that is kept, in bytes. Together with decodedSlots it
	// bounds the cache to a few tens of megabytes.
	decodedLargest = 4 << 10
)

// decodedCache remembers what stored bytes were decoded to, so that a session in use is decoded once for each change
// and not for each request. The store is still asked each time: an entry counts only if the store has just returned the
// same bytes, all of which are compared. So a session that ended or changed is never found here.
//
// It is a table without locks: a session takes the slot of another one with the same slot number, and one that ended
// stays in memory until then. Safe for concurrent use.
type decodedCache struct {
	slots [decodedSlots]atomic.Pointer[decodedEntry]
}

// decodedEntry never changes once it is in the table.
type decodedEntry struct {
	stored   []byte
	data     *Data
	deadline time.Time
}

func newDecodedCache() *decodedCache { return new(decodedCache) }

// slotOf is a session's slot in the table. Keys are digests of tokens ([storeKey]), so their first bytes are evenly
// spread, and nobody can choose them.
func slotOf(key string) uint32 {
	var first uint32
	for i := range min(len(key), 4) {
		first = first<<8 | uint32(key[i])
	}
	return first * 0x9e3779b1 >> 16 % decodedSlots
}

// decode is like the function decode. Its Data is shared and must only be read: steps change a copy of their own.
func (c *decodedCache) decode(key string, stored []byte) (*Data, time.Time, error) {
	slot := &c.slots[slotOf(key)]
	if entry := slot.Load(); entry != nil && bytes.Equal(entry.stored, stored) {
		return entry.data, entry.deadline, nil
	}
	data, deadline, err := decode(stored)
	if err == nil && len(stored) <= decodedLargest {
		slot.Store(&decodedEntry{stored: bytes.Clone(stored), data: data, deadline: deadline})
	}
	return data, deadline, err
}
