package session

import (
	"bytes"
	"sync/atomic"
	"time"
)

const (
	// decodedSlots is how many sessions at most are kept decoded, a power of two.
	decodedSlots = 4096
	// decodedLargest is the size of the largest stored form that is kept, in bytes: with the number of slots it bounds
	// what all of this takes to a few tens of megabytes, whatever is stored.
	decodedLargest = 4 << 10
)

// decodedCache remembers what stored bytes decoded to, so that a session in use is taken apart once for each change and
// not for each request. It answers no question that the store was not asked just now: an entry counts only for the very
// bytes that the store gave, all of which are compared, so that a session that ended or changed is never found here.
//
// It is a table without locks: a session that falls on another one's slot takes it, and one that ended stays in memory
// until then. Safe for concurrent use.
type decodedCache struct {
	slots [decodedSlots]atomic.Pointer[decodedEntry]
}

// decodedEntry never changes once it is in the table.
type decodedEntry struct {
	stored   []byte
	data     *Data
	deadline time.Time
}

func newDecodedCache() *decodedCache { return new(decodedCache) }

// slotOf is a session's place in the table. Keys are digests of tokens ([storeKey]), so that their first bytes are
// spread already, by nobody's choice.
func slotOf(key string) uint32 {
	var first uint32
	for i := range min(len(key), 4) {
		first = first<<8 | uint32(key[i])
	}
	return first * 0x9e3779b1 >> 16 % decodedSlots
}

// decode is the function decode. The Data is shared with other callers, who all only read: sessions are changed by
// steps, on a reading of their own.
func (c *decodedCache) decode(key string, stored []byte) (*Data, time.Time, error) {
	slot := &c.slots[slotOf(key)]
	if entry := slot.Load(); entry != nil && bytes.Equal(entry.stored, stored) {
		return entry.data, entry.deadline, nil
	}
	data, deadline, err := decode(stored)
	if err == nil && len(stored) <= decodedLargest {
		slot.Store(&decodedEntry{stored: bytes.Clone(stored), data: data, deadline: deadline})
	}
	return data, deadline, err
}
