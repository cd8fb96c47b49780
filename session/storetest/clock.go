package storetest

import (
	"sync"
	"time"
)

// Clock is a clock that stands still until it is moved. Safe for concurrent use.
type Clock struct {
	mutex sync.Mutex
	now   time.Time
}

// NewClock shows the present time, to the microsecond, as databases keep it.
func NewClock() *Clock { return &Clock{now: time.Now().Truncate(time.Microsecond)} }

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// Advance moves the clock on, or back.
func (c *Clock) Advance(d time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(d)
}
