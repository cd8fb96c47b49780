package fault

import (
	"cmp"
	"slices"
	"sync"
)

// Count is the number of requests with a method and path.
type Count struct {
	Method string `json:"method"` // LIST for a GET with ?list=true
	Path   string `json:"path"`   // without the query
	Count  int    `json:"count"`
}

// Requests is what the layer has seen since it began or was reset.
type Requests struct {
	Requests []Count `json:"requests"` // in the order of path and method
	// Waiting is the number of requests that a delay is holding at this moment.
	Waiting int `json:"waiting"`
}

// counter counts requests.
type counter struct {
	mutex   sync.Mutex
	counts  map[[2]string]int
	waiting int
}

func newCounter() *counter {
	return &counter{counts: map[[2]string]int{}}
}

func (c *counter) add(method, path string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.counts[[2]string{method, path}]++
}

func (c *counter) wait(change int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiting += change
}

// reset sets the counts to zero; delayed requests stay delayed.
func (c *counter) reset() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	clear(c.counts)
}

func (c *counter) requests() Requests {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	requests := Requests{Requests: make([]Count, 0, len(c.counts)), Waiting: c.waiting}
	for key, count := range c.counts {
		requests.Requests = append(requests.Requests, Count{Method: key[0], Path: key[1], Count: count})
	}
	slices.SortFunc(requests.Requests, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return requests
}
