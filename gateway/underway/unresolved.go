package underway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/internal/age"
)

// rememberUnresolved is longer than any session lives.
const rememberUnresolved = 30 * 24 * time.Hour

// Unresolved are sessions whose change could not be written to the store: that they are another user's now, have ended,
// or must not be used before the app was asked. This process remembers them, and asks the app about such a session
// before a request of it goes there again (P6). Safe for concurrent use; the zero value is empty.
type Unresolved struct {
	any    atomic.Bool // spares nearly every request the lock
	mutex  sync.Mutex
	tokens map[string]time.Time
}

// Note has the app be asked about the session before its next use.
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

// Forget is called once the app has said whose the session is, and the store knows.
func (u *Unresolved) Forget(token string) {
	if !u.any.Load() {
		return
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	delete(u.tokens, token)
	u.any.Store(len(u.tokens) > 0)
}
