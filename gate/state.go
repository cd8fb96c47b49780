// Package gate answers one question: what may this request do? It knows states, places and paths, but no sockets and no
// stores, so that the whole decision can be read in one sitting and tested in a table.
package gate

import "fmt"

// State is how far a session has come. The zero value is Anonymous, so that whatever is missing or broken has no
// rights.
type State uint8

// The states of a session.
const (
	// Anonymous: nobody has signed in.
	Anonymous State = iota
	// Pending: the app accepted a password; the second factor is owed.
	Pending
	// Enrolling: the app accepted a password; a second factor is required and none is set up yet.
	Enrolling
	// Verified: the app's session may be used.
	Verified
)

// String is the state's word in logs, on /status and in placeholders.
func (s State) String() string {
	switch s {
	case Anonymous:
		return "anonymous"
	case Pending:
		return "pending"
	case Enrolling:
		return "enrolling"
	case Verified:
		return "verified"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Known reports whether s is one of the four states. A session with any other stored state counts as no session.
func (s State) Known() bool { return s <= Verified }
