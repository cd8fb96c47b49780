package underway

import (
	"math"
	"sync"
)

const (
	// MaxTrials is how many passwords of one client may be tried at the same time. A browser that starts many requests
	// at once stays below it.
	MaxTrials = 16
	// RoomOfOne is how many large forms of strangers from one network are read at the same time. roomOfAll is the limit
	// for all networks together. Each form takes some MiB of memory for as long as its client likes.
	RoomOfOne = 8
	roomOfAll = 128
)

// AtOnce counts what clients have under way, by their networks. The zero value is ready for use.
type AtOnce struct {
	mutex sync.Mutex
	all   int
	of    map[string]int
}

// enter begins one more and reports whether it may begin: no more than ofOne of its network and ofAll altogether may be
// under way. leave ends it.
func (a *AtOnce) enter(network string, ofOne, ofAll int) (leave func(), ok bool) {
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

// BeginTrial begins a question about a password, if the client may have one more under way.
func (u *Requests) BeginTrial(network string) (leave func(), ok bool) {
	return u.trials.enter(network, MaxTrials, math.MaxInt)
}

// BeginForm begins the reading of a stranger's large form, if there is room for it.
func (u *Requests) BeginForm(network string) (leave func(), ok bool) {
	return u.Room.enter(network, RoomOfOne, roomOfAll)
}

// BeginDrain begins the reading of a body that is discarded, if there is room for it.
func (u *Requests) BeginDrain(network string) (leave func(), ok bool) {
	return u.drains.enter(network, RoomOfOne, roomOfAll)
}

// Count returns how many are under way.
func (a *AtOnce) Count() int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.all
}
