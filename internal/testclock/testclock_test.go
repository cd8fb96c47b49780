package testclock_test

import (
	"testing"
	"time"

	"sallyport.example/sallyport/internal/testclock"
)

func TestClock(t *testing.T) {
	start := time.Date(2026, time.November, 24, 9, 0, 0, 0, time.UTC)
	c := testclock.New(start)
	for range 2 {
		if !c.Now().Equal(start) {
			t.Error("it does not stand still")
		}
	}
	c.Advance(time.Minute)
	if got := c.Now().Sub(start); got != time.Minute {
		t.Errorf("moved by %v", got)
	}
	c.Advance(-2 * time.Minute)
	if got := c.Now().Sub(start); got != -time.Minute {
		t.Errorf("moved by %v", got)
	}
	c.Set(start)
	if !c.Now().Equal(start) {
		t.Errorf("it shows %v", c.Now())
	}
}
