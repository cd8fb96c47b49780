package underway

import (
	"sync"
	"time"
)

// Doors are the strangers' requests whose answers have begun, with a session of the app's, and that may sign somebody
// in with it yet, by the token of the session that they are of. What a login takes along of such a session would become
// somebody else's after the login was accepted. Safe for concurrent use; the zero value is empty.
type Doors struct {
	mutex sync.Mutex
	open  map[string]int
}

// Enter notes a request. leave, to be called once, says that it is over; where nobody saw its end the app may be at
// work on it for a while still.
func (d *Doors) Enter(token string) (leave func(seen bool)) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.open == nil {
		d.open = make(map[string]int)
	}
	d.open[token]++
	return func(seen bool) {
		if seen {
			d.leave(token)
			return
		}
		time.AfterFunc(MayTake, func() { d.leave(token) })
	}
}

func (d *Doors) leave(token string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.open[token]--; d.open[token] <= 0 {
		delete(d.open, token)
	}
}

// Open reports whether there is such a request.
func (d *Doors) Open(token string) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.open[token] > 0
}
