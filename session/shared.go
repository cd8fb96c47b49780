package session

import (
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Shared is one store of sessions in one process: make one for each store and keep it over reloads of the
// configuration, for its locks are what puts the changes to a session in order. It has no goroutine and needs no
// closing; the store may.
type Shared struct {
	store    *backend
	sessions *scs.SessionManager
	locks    *locks
	decoded  *decodedCache
	// secret is what Keys come from where the store has none.
	secret [KeySize]byte
	// beside is what others keep as long as the sessions; see Manager.Beside.
	besideMutex sync.Mutex
	beside      map[any]any
}

// NewShared makes a Shared over the given store, which may be used by other processes too.
//
// The store must refuse to commit a token that was deleted, with ErrGone, for at least 24 hours: only it can tell when
// another process deleted it. It should be an scs.CtxStore, so that its work can be bounded in time, and iterable
// (Lister, scs.IterableCtxStore or scs.IterableStore), which DestroyOthers needs. A Claimer makes a change of token
// exact over several processes, a Swapper every step. A Store is all of that.
func NewShared(store scs.Store) *Shared {
	shared := &Shared{store: newBackend(store), locks: newLocks(), decoded: newDecodedCache(), secret: newSecret()}
	// Not scs.New: that starts a goroutine for a store that is thrown away at once. Not IdleTimeout: with it a mere
	// read counts as a change, and brings destroyed sessions back. Lifetime is only a start; each commit sets a
	// deadline.
	shared.sessions = &scs.SessionManager{
		Lifetime:         24 * time.Hour,
		Store:            shared.store,
		Codec:            codec{},
		HashTokenInStore: true,
	}
	return shared
}

// Beside returns what stands beside the sessions of this app under a key, and has fresh make it where nothing does. It
// is for what has to be known of the sessions as long as they live in this process: several Managers of one app, those
// of a reload among them, get the same. Keys are compared as those of a map; a package should use a type of its own.
// Safe for concurrent use.
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
