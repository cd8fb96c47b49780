package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"sallyport.example/sallyport/session"
)

// An entry is what is stored under a token: its kind, the version, the expiry in Unix nanoseconds, its label, and the
// value. A tombstone has no value. The label is an owner, the number of a stranger's entry, or nothing, as in entries
// from before there were labels.
const (
	kindLive         = 1
	kindDead         = 2
	kindOwned        = 3
	kindStranger     = 4
	kindDeadStranger = 5

	entryHead    = 1 + len(session.Version{}) + 8
	longestLabel = len(session.Owner{})
)

// labels are the lengths of labels.
var labels = [...]int{kindLive: 0, kindDead: 0, kindOwned: len(session.Owner{}), kindStranger: 8, kindDeadStranger: 8}

type entry struct {
	dead    bool
	version session.Version
	expiry  int64
	value   []byte // the database's own memory, until it is copied

	owner    session.Owner // of a live session
	stranger bool          // it is, or was, a stranger's
	order    uint64        // the number of a stranger's entry
}

// parseEntry parses a stored entry; ok is false for nil and for anything that this version did not write.
func parseEntry(stored []byte) (e entry, ok bool) {
	if len(stored) < entryHead || int(stored[0]) >= len(labels) || stored[0] == 0 {
		return entry{}, false
	}
	kind, label := stored[0], stored[entryHead:]
	length := labels[kind]
	if len(label) < length {
		return entry{}, false
	}
	e.dead, e.stranger = kind == kindDead || kind == kindDeadStranger, kind == kindStranger || kind == kindDeadStranger
	copy(e.version[:], stored[1:])
	e.expiry = int64(binary.BigEndian.Uint64(stored[entryHead-8:]))
	label, e.value = label[:length], label[length:]
	if e.stranger {
		e.order = binary.BigEndian.Uint64(label)
	} else {
		copy(e.owner[:], label)
	}
	return e, true
}

func (e entry) kind() byte {
	switch {
	case e.dead && e.stranger:
		return kindDeadStranger
	case e.dead:
		return kindDead
	case e.stranger:
		return kindStranger
	case e.owner != session.Owner{}:
		return kindOwned
	}
	return kindLive
}

// unlabelled returns 1 for a live session that was stored without a label, else 0.
func (e entry) unlabelled() int {
	if e.version != (session.Version{}) && e.kind() == kindLive {
		return 1
	}
	return 0
}

func (e entry) append(to []byte) []byte {
	kind := e.kind()
	to = append(append(to, kind), e.version[:]...)
	to = binary.BigEndian.AppendUint64(to, uint64(e.expiry))
	switch kind {
	case kindOwned:
		to = append(to, e.owner[:]...)
	case kindStranger, kindDeadStranger:
		to = binary.BigEndian.AppendUint64(to, e.order)
	}
	return append(to, e.value...)
}

// newEntry makes a live entry with the context's label, a copy of the value and a unique version.
func newEntry(ctx context.Context, value []byte, expiry time.Time) entry {
	label := session.LabelOf(ctx)
	return entry{
		version: session.NewVersion(), value: bytes.Clone(value), expiry: nanoseconds(expiry),
		owner: label.Owner, stranger: label.Stranger,
	}
}

// nanoseconds returns a time in Unix nanoseconds. A time out of range (before 1678, after 2262) becomes the first or
// the last.
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
