package underway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/internal/age"
)

// rememberUnresolved is longer than any session's lifetime.
const rememberUnresolved = 30 * 24 * time.Hour

// Unresolved are the sessions whose change could not be written to the store: they belong to another user now, have
// ended, or must not be used before the app is asked. This process remembers them, and asks the app about such a
// session before the session's next request goes to the app (P6). Unresolved is safe for concurrent use; the zero value
// is empty.
type Unresolved struct {
	any    atomic.Bool // saves nearly every request the lock
	mutex  sync.Mutex
	tokens map[string]time.Time
}

// Note makes the gateway ask the app about the session before its next use.
func (u *Unresolved) Note(token string, now time.Time) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	maps.DeleteFunc(u.tokens, func(_ string, at time.Time) bool { return !age.Within(now, at, rememberUnresolved) })
	if u.tokens == nil {
		u.tokens = make(map[string]time.Time)
	}
	u.tokens[token] = now
	u.any.Store(true)
}

// Has reports whether the session is unresolved.
func (u *Unresolved) Has(token string) bool {
	if !u.any.Load() {
		return false
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	_, is := u.tokens[token]
	return is
}

// Any reports whether any session is unresolved.
func (u *Unresolved) Any() bool { return u.any.Load() }

// Forget is called after the app has said whose the session is and the store knows it.
func (u *Unresolved) Forget(token string) {
	if !u.any.Load() {
		return
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	delete(u.tokens, token)
	u.any.Store(len(u.tokens) > 0)
}
