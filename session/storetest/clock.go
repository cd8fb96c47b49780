package storetest

import (
	"time"

	"sallyport.example/sallyport/internal/testclock"
)

// NewClock is a clock that stands still at the present time, to the microsecond, as databases keep it.
func NewClock() *testclock.Clock { return testclock.New(time.Now().Truncate(time.Microsecond)) }
