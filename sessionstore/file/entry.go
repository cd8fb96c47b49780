package file

import (
	"bytes"
	"encoding/binary"
	"time"

	"sallyport/session"
)

// An entry is what stands under a token: its kind, the version, the expiry in Unix nanoseconds, and the value. A tombstone
// has no value.
const (
	kindLive = 1
	kindDead = 2

	entryHead = 1 + len(session.Version{}) + 8
)

type entry struct {
	dead    bool
	version session.Version
	expiry  int64
	value   []byte // the database's own memory, until it is copied
}

// parseEntry takes a stored entry apart; nil, and what this version did not write, is none.
func parseEntry(stored []byte) (e entry, ok bool) {
	if len(stored) < entryHead || stored[0] != kindLive && stored[0] != kindDead {
		return entry{}, false
	}
	e.dead = stored[0] == kindDead
	copy(e.version[:], stored[1:])
	e.expiry = int64(binary.BigEndian.Uint64(stored[entryHead-8:]))
	e.value = stored[entryHead:]
	return e, true
}

func (e entry) append(to []byte) []byte {
	kind := byte(kindLive)
	if e.dead {
		kind = kindDead
	}
	to = append(append(to, kind), e.version[:]...)
	return append(binary.BigEndian.AppendUint64(to, uint64(e.expiry)), e.value...)
}

// newEntry makes a live entry with a copy of the value and a version that no other has.
func newEntry(value []byte, expiry time.Time) entry {
	return entry{version: session.NewVersion(), value: bytes.Clone(value), expiry: nanoseconds(expiry)}
}

// nanoseconds of a time; one that is beyond the numbers (years 1678 and 2262) is the last or the first of them.
func nanoseconds(moment time.Time) int64 {
	const last = 1<<63 - 1
	switch {
	case moment.Year() >= 2262:
		return last
	case moment.Year() <= 1678:
		return -last
	}
	return moment.UnixNano()
}
