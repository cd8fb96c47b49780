package underway

import (
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/internal/age"
)

// The stores, by what an operator sets them with.
const (
	StoreSecrets  = "secrets"
	StoreSessions = "sessions"
	StoreNames    = "storage"
)

// Stores are what is known of their health. The zero value is that of stores that work.
type Stores struct{ secrets, sessions, names Health }

// Of is what is known of one store.
func (s *Stores) Of(store string) *Health {
	switch store {
	case StoreSessions:
		return &s.sessions
	case StoreNames:
		return &s.names
	}
	return &s.secrets
}

// WritesAgain is how long nobody must have met a store that takes no change, before a look that succeeds says that it
// works again.
const WritesAgain = time.Minute

// Health is what is known of one store. One that can be read and takes no changes has not recovered when it is read:
// each request of its users would tell that it failed and came back. Safe for concurrent use.
type Health struct {
	// Ill says that it failed, so that nobody waits for the others while all is well.
	Ill   atomic.Bool
	mutex sync.Mutex
	// looks and changes are what failed last.
	looks, changes bool
	// changed is when a change last failed.
	changed time.Time
}

// Fails notes a failure. It reports whether the store worked before.
func (h *Health) Fails(change bool, now time.Time) (first bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if change {
		h.changes, h.changed = true, now
	} else {
		h.looks = true
	}
	return h.Ill.CompareAndSwap(false, true)
}

// Works notes a success. It reports whether the store has recovered by it.
func (h *Health) Works(change bool, now time.Time) (recovered bool) {
	if !h.Ill.Load() {
		return false
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.looks = false
	if change || !age.Within(now, h.changed, WritesAgain) {
		h.changes = false
	}
	return !h.changes && h.Ill.CompareAndSwap(true, false)
}
