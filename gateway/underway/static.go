package underway

import (
	"sync/atomic"
	"time"
)

const (
	// staticSlots is how many addresses are remembered, a power of two.
	staticSlots = 1 << 14
	// staticFor is for how many minutes an address is remembered.
	staticFor = 10
	// minutes are the bits of a slot that say when it was written.
	minutes = 1<<16 - 1
)

// Static remembers the addresses at which the app gave a user the same as it gives to strangers: pictures, styles and
// scripts. The user's session need not go there. A request without the session cannot sign anybody in under it, which
// an app may otherwise do by a text in the path. Static is a table without locks, in which one address may replace
// another; the app is then asked about the replaced address again. It is safe for concurrent use; the zero value is
// empty.
type Static struct {
	slots [staticSlots]atomic.Uint64
}

// Has reports whether the address of a key from [Harmless] was seen to be static a short time ago.
func (s *Static) Has(key uint64, now time.Time) bool {
	slot := s.slot(key).Load()
	return slot != 0 && (slot^key)&^minutes == 0 && (minute(now)-slot)&minutes < staticFor
}

// Add remembers the address of a key.
func (s *Static) Add(key uint64, now time.Time) { s.slot(key).Store(key&^minutes | minute(now)) }

// Remove forgets the address of a key.
func (s *Static) Remove(key uint64) { s.slot(key).Store(0) }

func (s *Static) slot(key uint64) *atomic.Uint64 { return &s.slots[key>>32%staticSlots] }

func minute(now time.Time) uint64 { return uint64(now.Unix()/60) & minutes }
