package vaultstore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"sallyport.example/sallyport/factor"
)

// maxKnown bounds how many keys are remembered at the same time, twice: see memory.
const maxKnown = 10_000

// known is what this process last saw of a key. Nothing is decided by it alone: it saves calls, and it lets a version
// from before a deletion be noticed early.
type known struct {
	// generation is 0 where there was no record.
	generation uint32
	// secrets are those of the factors that keep one, by the factors' IDs.
	secrets map[string]knownSecret
	// purge: earlier versions may still hold another secret.
	purge bool
}

// memory remembers what was last seen of the keys that were used last: two generations of a map, the elder of which is
// dropped when the younger one is full. Safe for concurrent use.
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

// print is a secret's fingerprint under a key of this process: secrets themselves are not kept.
func (m *memory) print(secret []byte) (sum [sha256.Size]byte) {
	hash := hmac.New(sha256.New, m.fingerprint)
	hash.Write(secret)
	hash.Sum(sum[:0])
	return sum
}
