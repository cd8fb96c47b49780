package session_test

import (
	"testing"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// TestConformance runs the suite of all stores over Memory. One process has one Memory; the suite uses two Shareds over
// it, which does no harm.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *storetest.Body {
		clock := storetest.NewClock()
		memory := session.NewMemory(session.MemoryOptions{Now: clock.Now, Strangers: 6400})
		t.Cleanup(func() { _ = memory.Close() })
		return &storetest.Body{
			Open:    func() session.Store { return memory },
			Now:     clock.Now,
			Advance: clock.Advance, Strangers: 6400, OwnTombstones: true,
			Stored: func() int {
				memory.Sweep()
				return memory.Len() + memory.Tombstones()
			},
		}
	})
}
