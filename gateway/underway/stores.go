package underway

import (
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/internal/age"
)

// The stores, by the word of the configuration that sets each.
const (
	StoreSecrets  = "secrets"
	StoreSessions = "sessions"
	StoreNames    = "storage"
)

// Stores is what is known of the stores' health. In the zero value all stores work.
type Stores struct{ secrets, sessions, names Health }

// Of returns what is known of one store.
func (s *Stores) Of(store string) *Health {
	switch store {
	case StoreSessions:
		return &s.sessions
	case StoreNames:
		return &s.names
	}
	return &s.secrets
}

// WritesAgain is how long no write may have failed before a successful read counts as a recovery.
const WritesAgain = time.Minute

// Health is what is known of one store. A store that can be read but not written has not recovered when a read
// succeeds: otherwise each request would emit that the store failed and recovered. Health is safe for concurrent use.
type Health struct {
	// Ill says that the store failed. It is read without the lock while all is well.
	Ill   atomic.Bool
	mutex sync.Mutex
	// looks and changes say whether the last read and the last write failed.
	looks, changes bool
	// changed is when a write last failed.
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

// Works notes a success. It reports whether the store has recovered.
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
