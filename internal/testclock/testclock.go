// Package testclock holds the clock of tests: it stands still until a test moves it.
package testclock

import (
	"sync"
	"time"
)

// Clock is a clock that stands still. It is safe for concurrent use.
type Clock struct {
	mutex sync.Mutex
	now   time.Time
}

// New returns a clock that shows the given time.
func New(now time.Time) *Clock { return &Clock{now: now} }

// Now is what it shows.
func (c *Clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// Advance moves it on, or back where the duration is negative.
func (c *Clock) Advance(by time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(by)
}

// Set has it show another time.
func (c *Clock) Set(now time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = now
}
