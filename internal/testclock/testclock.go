// Package testclock holds the clock of tests: it stands still until a test moves it.
package testclock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Clock is a clock that stands still. It is safe for concurrent use. To read it costs next to nothing, so that a
// benchmark does not measure it.
type Clock struct {
	mutex sync.Mutex // held while it is moved
	now   atomic.Pointer[time.Time]
}

// New returns a clock that shows the given time.
func New(now time.Time) *Clock {
	c := new(Clock)
	c.now.Store(&now)
	return c
}

// Now is what it shows.
func (c *Clock) Now() time.Time { return *c.now.Load() }

// Advance moves it on, or back where the duration is negative.
func (c *Clock) Advance(by time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	moved := c.Now().Add(by)
	c.now.Store(&moved)
}

// Set has it show another time.
func (c *Clock) Set(now time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now.Store(&now)
}
