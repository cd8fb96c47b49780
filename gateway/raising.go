package gateway

import (
	"maps"
	"sync"
	"time"

	"sallyport/age"
	"sallyport/gate"
)

// raisedFor is how long it is remembered that a session was raised. A request that read the session before that has begun to carry
// its cookies long before.
const raisedFor = time.Minute

// mayTake is how long an app may still be at work on a request whose client has left.
const mayTake = 30 * time.Second

// raising are the requests under way that may raise a verified session, by its token: sign somebody in, in an app that does so under
// the cookie that is there. Until such a request is settled nobody knows whose the session is. The zero value is ready for use.
type raising struct {
	mutex    sync.Mutex
	underWay map[string]int
	over     map[string]time.Time
}

// begin notes one; end is called when it is settled.
func (r *raising) begin(token string) (end func()) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.underWay == nil {
		r.underWay = make(map[string]int)
	}
	r.underWay[token]++
	return func() {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		if r.underWay[token]--; r.underWay[token] == 0 {
			delete(r.underWay, token)
		}
	}
}

// linger has a request that nobody saw answered be under way for a while: the app may not have come to it yet.
func (r *raising) linger(token string) { time.AfterFunc(mayTake, r.begin(token)) }

func (r *raising) any(token string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.underWay[token] > 0
}

// end notes that the session of a token has been found to be another's.
func (r *raising) end(token string, now time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	maps.DeleteFunc(r.over, func(_ string, at time.Time) bool { return !age.Within(now, at, raisedFor) })
	if r.over == nil {
		r.over = make(map[string]time.Time)
	}
	r.over[token] = now
}

func (r *raising) ended(token string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, ended := r.over[token]
	return ended
}

// mayRaise reports whether a request of a verified session may raise it without a sign. At a login's page a query may do so, by fields
// whose names nobody described.
func (x *exchange) mayRaise() bool {
	return x.data.InPlace && (!x.plain() || x.place == gate.Entry && !x.bare())
}

// besideRaise reports whether the answer that has come may be to whom another request of the session is signing in at this moment.
// Then it waits for the app's word, as the other one's does. One that comes later than that finds its session gone: it is cut.
func (x *exchange) besideRaise() bool {
	if x.suspect || x.state() != gate.Verified || !x.data.InPlace || !x.raising.any(x.token) {
		return x.suspect
	}
	x.suspect = true
	return true
}
