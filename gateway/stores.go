package gateway

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/session"
)

// The stores, by what an operator sets them with.
const (
	storeSecrets  = "secrets"
	storeSessions = "sessions"
	storeNames    = "storage"
)

// stores are what is known of their health. The zero value is that of stores that work.
type stores struct{ secrets, sessions, names health }

func (s *stores) of(store string) *health {
	switch store {
	case storeSessions:
		return &s.sessions
	case storeNames:
		return &s.names
	}
	return &s.secrets
}

// writesAgain is how long nobody must have met a store that takes no change, before a look that succeeds says that it
// works again.
const writesAgain = time.Minute

// health is what is known of one store. One that can be read and takes no changes has not recovered when it is read:
// each request of its users would tell that it failed and came back. Safe for concurrent use.
type health struct {
	ill   atomic.Bool // so that nobody waits for the others while all is well
	mutex sync.Mutex
	// looks and changes are what failed last.
	looks, changes bool
	// changed is when a change last failed.
	changed time.Time
}

// fails notes a failure. It reports whether the store worked before.
func (h *health) fails(change bool, now time.Time) (first bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if change {
		h.changes, h.changed = true, now
	} else {
		h.looks = true
	}
	return h.ill.CompareAndSwap(false, true)
}

// works notes a success. It reports whether the store has recovered by it.
func (h *health) works(change bool, now time.Time) (recovered bool) {
	if !h.ill.Load() {
		return false
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.looks = false
	if change || !age.Within(now, h.changed, writesAgain) {
		h.changes = false
	}
	return !h.changes && h.ill.CompareAndSwap(true, false)
}

// lookError is the error of a store that was only to be looked at.
type lookError struct{ error }

// Unwrap is for errors.Is and errors.As.
func (e lookError) Unwrap() error { return e.error }

// looking marks the error of a look.
func looking(err error) error { return lookError{err} }

// storeFails notes the error of a store, and tells of it where it is the first. It returns which store that is. A
// record that cannot be used, or a session that is too large, are no failures of their stores.
func (x *exchange) storeFails(err error) (store string) {
	store, unavailable := storeSecrets, errors.Is(err, factor.ErrUnavailable)
	switch {
	case errors.Is(err, errNames):
		store, unavailable = storeNames, true
	case errors.Is(err, session.ErrStore):
		store, unavailable = storeSessions, true
	}
	var look lookError
	if unavailable && x.stores.of(store).fails(!errors.As(err, &look), x.config.Now()) {
		x.tell(event.Event{Name: event.StoreUnavailable, Actor: event.ByGateway, Setting: store, Detail: err.Error()})
	}
	return store
}

// storeWorks notes that a store did what it was asked to, and tells of it where it could not before.
func (x *exchange) storeWorks(store string, change bool) {
	health := x.stores.of(store)
	if health.ill.Load() && health.works(change, x.config.Now()) {
		x.tell(event.Event{Name: event.StoreRecovered, Setting: store})
	}
}
