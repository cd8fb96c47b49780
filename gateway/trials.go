package gateway

import "sync"

// maxTrials is how many questions about passwords one client can have under way at the same time. A browser that begins with many
// requests at once stays below it.
const maxTrials = 16

// trials counts them, by the client's address. The zero value is ready for use.
type trials struct {
	mutex    sync.Mutex
	underWay map[string]int
}

// enter begins one, and reports whether it may begin; leave ends it.
func (t *trials) enter(client string) (leave func(), ok bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.underWay[client] >= maxTrials {
		return nil, false
	}
	if t.underWay == nil {
		t.underWay = make(map[string]int)
	}
	t.underWay[client]++
	return func() {
		t.mutex.Lock()
		defer t.mutex.Unlock()
		if t.underWay[client]--; t.underWay[client] == 0 {
			delete(t.underWay, client)
		}
	}, true
}
