package underway

import (
	"sync/atomic"
	"time"
)

const (
	// staticSlots is how many addresses are remembered, a power of two.
	staticSlots = 1 << 14
	// staticFor is for how long, in minutes.
	staticFor = 10
	// minutes are the bits of a slot that hold when it was written.
	minutes = 1<<16 - 1
)

// Static are the addresses at which the app gave a user what it gives to strangers: pictures, styles and scripts. There
// the user's session need not go along, and what goes without one can sign nobody in under it, as an app may do by what
// stands in a path. It is a table without locks, in which one address may take another one's place; those that have
// none are asked about again. Safe for concurrent use; the zero value knows none.
type Static struct {
	slots [staticSlots]atomic.Uint64
}

// Has reports whether the address of a key of [Harmless] is one of them, by what was seen a short time ago.
func (s *Static) Has(key uint64, now time.Time) bool {
	slot := s.slot(key).Load()
	return slot != 0 && (slot^key)&^minutes == 0 && (minute(now)-slot)&minutes < staticFor
}

// Add remembers the address of a key.
func (s *Static) Add(key uint64, now time.Time) { s.slot(key).Store(key&^minutes | minute(now)) }

// Remove forgets it.
func (s *Static) Remove(key uint64) { s.slot(key).Store(0) }

func (s *Static) slot(key uint64) *atomic.Uint64 { return &s.slots[key>>32%staticSlots] }

func minute(now time.Time) uint64 { return uint64(now.Unix()/60) & minutes }
