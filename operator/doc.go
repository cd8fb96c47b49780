// Package operator is what operators do for users: find them, see how they stand, reset, unlock, sign out, and make
// codes. Commands, the admin API and the help desk are three faces of its Service. It knows nothing of Caddy.
//
// Names of users are arguments, exactly as the app spells them, and never paths or patterns. Nothing here tells a
// secret, but for the code that was just made, once.
package operator

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport.example/sallyport/factor"
)

// Errors of a Service. Besides these it returns factor.ErrUnavailable, factor.ErrCorrupt and session.ErrStore, wrapped.
var (
	// ErrNoApp says that there is no such app, or none that may be acted on.
	ErrNoApp = errors.New("there is no such app")
	// ErrNoUser says that nothing is known of the user.
	ErrNoUser = errors.New("nothing is known of that user; names count exactly, capital letters too")
	// ErrNoReason says that no reason was given.
	ErrNoReason = errors.New("a reason is needed")
	// ErrInvalid says that something that was asked for cannot be.
	ErrInvalid = errors.New("invalid")
	// ErrSessionsLeft says that the rest was done, but that the user's sessions could not be ended.
	ErrSessionsLeft = errors.New("it was done, but sessions of the user may still be open; do it again, or sign the user out")
)

// DefaultCodeLifetime is how long a code is valid where nothing else is said.
const DefaultCodeLifetime = 24 * time.Hour

// Bounds of what operators say, in bytes.
const (
	maxReason = 1000
	maxName   = 256
)

// State is how an account stands, in a word.
type State string

// The states. Stopped is stronger than Throttled, and that than the other two.
const (
	// Enrolled: the user has a factor.
	Enrolled State = "enrolled"
	// Waiting: the user has none.
	Waiting State = "waiting"
	// Throttled: no code is judged for a while, after wrong ones.
	Throttled State = "throttled"
	// Stopped: no code is judged until an operator unlocks the account.
	Stopped State = "stopped"
)

// States are all of them.
func States() []State { return []State{Enrolled, Waiting, Throttled, Stopped} }

// ParseState returns the state of that name; the empty one for an empty name, and ErrInvalid for any other.
func ParseState(name string) (State, error) {
	if name == "" {
		return "", nil
	}
	for _, state := range States() {
		if name == string(state) {
			return state, nil
		}
	}
	return "", fmt.Errorf("%w: state: want enrolled, waiting, throttled or stopped", ErrInvalid)
}

// Act is who does something, and why.
type Act struct {
	// Operator is the operator's name; Reason is required.
	Operator, Reason string
	// Client is the address that the operator came from, if there is one.
	Client string
	// For is how long a code is valid; DefaultCodeLifetime if it is zero.
	For time.Duration
}

// checked returns the act with its texts trimmed and its defaults, or ErrNoReason or ErrInvalid.
func (a Act) checked() (Act, error) {
	a.Operator, a.Reason = strings.TrimSpace(a.Operator), strings.TrimSpace(a.Reason)
	if a.For == 0 {
		a.For = DefaultCodeLifetime
	}
	switch {
	case a.Reason == "":
		return Act{}, ErrNoReason
	case len(a.Reason) > maxReason || unprintable(a.Reason):
		return Act{}, fmt.Errorf("%w: reason: want at most %d bytes of printable text", ErrInvalid, maxReason)
	case a.Operator == "" || len(a.Operator) > maxName || unprintable(a.Operator):
		return Act{}, fmt.Errorf("%w: operator: want a name of at most %d bytes of printable text", ErrInvalid, maxName)
	case a.For < factor.MinCodeLifetime || a.For > factor.MaxCodeLifetime:
		return Act{}, fmt.Errorf("%w: for: want 1s to 720h", ErrInvalid)
	}
	return a, nil
}

// unprintable reports whether a text has something in it that would change the look of the text around it.
func unprintable(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
}
