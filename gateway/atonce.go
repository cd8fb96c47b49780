package gateway

import (
	"math"
	"sync"

	"sallyport.example/sallyport/internal/match"
)

const (
	// maxTrials is how many questions about passwords one client can have under way at the same time. A browser that
	// begins with many requests at once stays below it.
	maxTrials = 16
	// roomOfOne is how many large forms of strangers from one network are read at once, and roomOfAll from all: each
	// takes some MiB of memory for as long as its client likes.
	roomOfOne = 8
	roomOfAll = 128
)

// atOnce counts what clients have under way, by the network that they come from. The zero value is ready for use.
type atOnce struct {
	mutex sync.Mutex
	all   int
	of    map[string]int
}

// enter begins one more, and reports whether it may begin, with so many of one network and of all; leave ends it.
func (a *atOnce) enter(network string, ofOne, ofAll int) (leave func(), ok bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.all >= ofAll || a.of[network] >= ofOne {
		return nil, false
	}
	if a.of == nil {
		a.of = make(map[string]int)
	}
	a.all++
	a.of[network]++
	return func() {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		a.all--
		if a.of[network]--; a.of[network] == 0 {
			delete(a.of, network)
		}
	}, true
}

// network is where the request comes from, by what counts as one client.
func (x *exchange) network() string { return match.Network(x.client()) }

// mayTry begins a question about a password, if the client may have one more under way.
func (x *exchange) mayTry() (leave func(), ok bool) {
	return x.trials.enter(x.network(), maxTrials, math.MaxInt)
}

// hasRoom is login.Admit for this request.
func (x *exchange) hasRoom() (leave func(), ok bool) {
	return x.room.enter(x.network(), roomOfOne, roomOfAll)
}
