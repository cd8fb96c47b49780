package underway

import (
	"hash/maphash"
	"sync/atomic"
)

// harmlessSlots is how many addresses are remembered, a power of two.
const harmlessSlots = 1 << 14

// Harmless remembers the addresses at which a plain load by a user signed nobody in: no other request of the session
// was at the app, and afterwards the app named the same user. Some apps sign users in by a path that contains name and
// password, so an address counts only for the user who loaded it. Harmless is a table without locks, in which one
// address may replace another; the app is then asked about the replaced address again.
type Harmless struct {
	seed  maphash.Seed
	slots [harmlessSlots]atomic.Uint64
}

// NewHarmless makes an empty Harmless.
func NewHarmless() *Harmless { return &Harmless{seed: maphash.MakeSeed()} }

// Key returns the key of an address for a user. It is never zero.
func (h *Harmless) Key(user, method, host, path string) uint64 {
	var hash maphash.Hash
	hash.SetSeed(h.seed)
	for _, text := range [...]string{user, method, host, path} {
		_, _ = hash.WriteString(text)
		_ = hash.WriteByte(0)
	}
	return hash.Sum64() | 1
}

// Has reports whether the address of a key is in the table.
func (h *Harmless) Has(key uint64) bool { return h.slots[key>>1%harmlessSlots].Load() == key }

// Add remembers the address of a key.
func (h *Harmless) Add(key uint64) { h.slots[key>>1%harmlessSlots].Store(key) }
