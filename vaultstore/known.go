package vaultstore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"sallyport.example/sallyport/factor"
)

// maxKnown bounds each of the two maps of memory.
const maxKnown = 10_000

// known is what this process last saw of a key. Nothing is decided by it alone: it saves calls, and detects early a
// version from before a deletion.
type known struct {
	// generation is 0 if there was no record.
	generation uint32
	// secrets are those of the factors that have one, by the factors' IDs.
	secrets map[string]knownSecret
	// purge: earlier versions may still contain another secret.
	purge bool
}

// memory remembers what was last seen of the most recently used keys. It has two maps; when the newer one is full, the
// older one is dropped. Safe for concurrent use.
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

// print returns a secret's fingerprint under a key of this process: secrets themselves are not kept.
func (m *memory) print(secret []byte) (sum [sha256.Size]byte) {
	hash := hmac.New(sha256.New, m.fingerprint)
	hash.Write(secret)
	hash.Sum(sum[:0])
	return sum
}
