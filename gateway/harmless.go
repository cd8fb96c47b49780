package gateway

import (
	"hash/maphash"
	"sync/atomic"

	"sallyport.example/sallyport/gateway/exchange"
)

// harmlessSlots is how many addresses are remembered, a power of two.
const harmlessSlots = 1 << 14

// harmless are the paths at which a user signed nobody in by a plain load: nothing else of the session was at the app,
// and the app named the same user behind it. Some apps sign people in by what stands in a path, with a name and
// password of any account, so that a path counts for the user who was there, and not for others. It is a table without
// locks, in which one address may take another one's place; those that have none are asked about again.
type harmless struct {
	seed  maphash.Seed
	slots [harmlessSlots]atomic.Uint64
}

func newHarmless() *harmless { return &harmless{seed: maphash.MakeSeed()} }

// key is never zero.
func (h *harmless) key(user, method, host, path string) uint64 {
	var hash maphash.Hash
	hash.SetSeed(h.seed)
	for _, text := range [...]string{user, method, host, path} {
		_, _ = hash.WriteString(text)
		_ = hash.WriteByte(0)
	}
	return hash.Sum64() | 1
}

func (h *harmless) has(key uint64) bool { return h.slots[key>>1%harmlessSlots].Load() == key }

func (h *harmless) add(key uint64) { h.slots[key>>1%harmlessSlots].Store(key) }

// addressKey is what the request's path is remembered by.
func (x *passage) addressKey() uint64 {
	return x.harmless.key(x.Data.Identity, x.R.Method, exchange.HostOf(x.R), x.Path.Text)
}

// knowsAddress reports whether a plain load of the path signed nobody in before, and the address has no query of the
// client's choice.
func (x *passage) knowsAddress() bool { return x.bare() && x.harmless.has(x.addressKey()) }

// noteAddress remembers that the request has signed nobody in, by the app's own word, and that it was alone there.
func (x *passage) noteAddress() {
	if v := x.visit; v != nil && v.Plain && !x.filter.early && x.bare() && v.HasTurn() {
		x.harmless.add(x.addressKey())
	}
}
