package gateway

import (
	"sync"

	"sallyport/match"
)

const (
	// roomOfOne is how many large forms of strangers from one network are read at once, and roomOfAll from all: each takes some MiB of
	// memory for as long as its client likes.
	roomOfOne = 8
	roomOfAll = 128
)

// room bounds what strangers can have read at once, by the network that they come from. The zero value is ready for use.
type room struct {
	mutex sync.Mutex
	all   int
	of    map[string]int
}

// enter begins one, and reports whether there is room for it; leave ends it.
func (r *room) enter(network string) (leave func(), ok bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.all >= roomOfAll || r.of[network] >= roomOfOne {
		return nil, false
	}
	if r.of == nil {
		r.of = make(map[string]int)
	}
	r.all++
	r.of[network]++
	return func() {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.all--
		if r.of[network]--; r.of[network] == 0 {
			delete(r.of, network)
		}
	}, true
}

// hasRoom is login.Admit for this request.
func (x *exchange) hasRoom() (leave func(), ok bool) {
	return x.room.enter(match.Network(x.origin().Address))
}
