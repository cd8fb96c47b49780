package vaultstore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"sallyport/factor"
)

// maxKnown bounds how many keys are remembered at the same time, twice: see memory.
const maxKnown = 10_000

// known is what this process last saw of a key. Nothing is decided by it alone: it saves calls, and it lets a version from before
// a deletion be noticed early.
type known struct {
	// generation is 0 where there was no record.
	generation uint32
	// enrolment is the ID of the authenticator.
	enrolment string
	// purge: earlier versions may still hold another seed.
	purge bool
	// sealed is the sealed form of the seed whose fingerprint is seed.
	sealed string
	seed   [sha256.Size]byte
}

// memory remembers what was last seen of the keys that were used last: two generations of a map, the elder of which is dropped
// when the younger one is full. Safe for concurrent use.
type memory struct {
	mutex       sync.Mutex
	young, old  map[factor.Key]known
	fingerprint []byte
}

func newMemory() *memory {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return &memory{young: make(map[factor.Key]known), fingerprint: key}
}

func (m *memory) get(key factor.Key) (known, bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if seen, ok := m.young[key]; ok {
		return seen, true
	}
	seen, ok := m.old[key]
	return seen, ok
}

func (m *memory) set(key factor.Key, seen known) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if len(m.young) >= maxKnown {
		m.old, m.young = m.young, make(map[factor.Key]known)
	}
	m.young[key] = seen
}

// print is a seed's fingerprint under a key of this process: seeds themselves are not kept.
func (m *memory) print(seed []byte) (sum [sha256.Size]byte) {
	hash := hmac.New(sha256.New, m.fingerprint)
	hash.Write(seed)
	hash.Sum(sum[:0])
	return sum
}
