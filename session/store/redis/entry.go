package redis

import (
	"strconv"
	"strings"

	"sallyport.example/sallyport/session"
)

// An entry is what is stored under a token: its kind, the version, and the value of a session. A tombstone has the
// version of the change that made it and, if the session went on under another token, how many walks had begun by then
// and that token: `<number> <token>`.
//
// A live entry has an owner, is a stranger's, or has no label. Entries from a version before the labels have none.
const (
	kindLive     = 'L'
	kindOwned    = 'O'
	kindStranger = 'S'
	kindDead     = 'D'

	entryHead = 1 + len(session.Version{})
)

type entry struct {
	kind    byte // 0: none
	version session.Version
	value   []byte
}

// parseEntry parses a stored entry. For anything that this package did not write the result has no kind.
func parseEntry(stored string) entry {
	if len(stored) < entryHead {
		return entry{}
	}
	switch stored[0] {
	case kindLive, kindOwned, kindStranger, kindDead:
	default:
		return entry{}
	}
	e := entry{kind: stored[0], value: []byte(stored[entryHead:])}
	copy(e.version[:], stored[1:])
	return e
}

// alive reports whether the entry is a session.
func (e entry) alive() bool { return e.kind != 0 && e.kind != kindDead }

// newEntry returns a live entry with a unique version.
func newEntry(label session.Label, value []byte) []byte {
	kind := byte(kindLive)
	switch {
	case label.Stranger:
		kind = kindStranger
	case label.Owner != session.Owner{}:
		kind = kindOwned
	}
	version := session.NewVersion()
	return append(append(append(make([]byte, 0, entryHead+len(value)), kind), version[:]...), value...)
}

// moved returns the token under which a tombstone's session went on, and during which walk; ok is false if it did not
// go on.
func (e entry) moved() (token string, during int64, ok bool) {
	if e.kind != kindDead {
		return "", 0, false
	}
	number, token, ok := strings.Cut(string(e.value), " ")
	if !ok {
		return "", 0, false
	}
	during, err := strconv.ParseInt(number, 10, 64)
	return token, during, err == nil
}
