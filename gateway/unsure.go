package gateway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/age"
)

// unsureFor is how long a session is remembered that nobody is sure of: longer than it takes until the app is asked about it anyway.
const unsureFor = 24 * time.Hour

// unsure are the sessions, by their tokens, of which the store could not be told what the app had said of them: that they are another's by
// now, or nobody's, or that it does not say. What is stored of them is what was true before, so that the app is asked at each use until
// the store knows. Safe for concurrent use; the zero value is empty.
type unsure struct {
	any   atomic.Bool // spares each request the lock
	mutex sync.Mutex
	since map[string]time.Time
}

// note has a session be asked about at its next use.
func (u *unsure) note(token string, now time.Time) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	maps.DeleteFunc(u.since, func(_ string, at time.Time) bool { return !age.Within(now, at, unsureFor) })
	if u.since == nil {
		u.since = make(map[string]time.Time)
	}
	u.since[token] = now
	u.any.Store(true)
}

// forget is called once the store knows.
func (u *unsure) forget(token string) {
	if !u.any.Load() {
		return
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	delete(u.since, token)
	u.any.Store(len(u.since) > 0)
}

func (u *unsure) has(token string) bool {
	if !u.any.Load() {
		return false
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	_, noted := u.since[token]
	return noted
}
