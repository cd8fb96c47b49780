package underway

import (
	"hash/maphash"
	"sync/atomic"
)

// harmlessSlots is how many addresses are remembered, a power of two.
const harmlessSlots = 1 << 14

// Harmless are the paths at which a user signed nobody in by a plain load: nothing else of the session was at the app,
// and the app named the same user behind it. Some apps sign people in by what stands in a path, with a name and
// password of any account, so that a path counts for the user who was there, and not for others. It is a table without
// locks, in which one address may take another one's place; those that have none are asked about again.
type Harmless struct {
	seed  maphash.Seed
	slots [harmlessSlots]atomic.Uint64
}

// NewHarmless makes one that knows no address.
func NewHarmless() *Harmless { return &Harmless{seed: maphash.MakeSeed()} }

// Key is never zero.
func (h *Harmless) Key(user, method, host, path string) uint64 {
	var hash maphash.Hash
	hash.SetSeed(h.seed)
	for _, text := range [...]string{user, method, host, path} {
		_, _ = hash.WriteString(text)
		_ = hash.WriteByte(0)
	}
	return hash.Sum64() | 1
}

// Has reports whether the address of a key is one of them.
func (h *Harmless) Has(key uint64) bool { return h.slots[key>>1%harmlessSlots].Load() == key }

// Add remembers the address of a key.
func (h *Harmless) Add(key uint64) { h.slots[key>>1%harmlessSlots].Store(key) }
