package underway

import "sync"

// maxEnded is how many ended sessions are remembered.
const maxEnded = 4096

// Ended remembers the tokens of sessions that ended lately. If several requests end one session at the same time, it
// picks the one that emits the event. A request that comes later finds no session. Ended is safe for concurrent use;
// the zero value is empty.
type Ended struct {
	mutex  sync.Mutex
	tokens map[string]struct{}
	order  []string // the oldest first; a ring once it is full
	next   int
}

// First reports whether it is called for the first time with this token.
func (e *Ended) First(token string) bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if _, known := e.tokens[token]; known {
		return false
	}
	if e.tokens == nil {
		e.tokens = make(map[string]struct{})
	}
	if len(e.order) < maxEnded {
		e.order = append(e.order, token)
	} else {
		delete(e.tokens, e.order[e.next])
		e.order[e.next] = token
		e.next = (e.next + 1) % maxEnded
	}
	e.tokens[token] = struct{}{}
	return true
}
