package gate

import "net/http"

// Place is what a request asks for, as far as the gate cares. The zero value is Protected.
type Place uint8

// The places of a site.
const (
	// Protected is everything that is none of the others.
	Protected Place = iota
	// Public was opened by the operator with `public`, and not closed again with `protect`.
	Public
	// Entry is a page on which people sign in: it must be seen before anybody can.
	Entry
	// Login is a request that carries a password to the app.
	Login
	// Logout is a request by which the app ends its own session.
	Logout
	// Own are the gateway's pages, below `base`.
	Own
	// Shut is what the operator closed to everybody: a door of the app's at which a second factor cannot be asked for.
	Shut
)

// String is the place's word in debug logs.
func (p Place) String() string {
	return [...]string{"protected", "public", "entry", "login", "logout", "own", "shut"}[min(p, Shut)]
}

// Action is what becomes of a request. The zero value is AskLogin, the strictest.
type Action uint8

// The actions that Decide chooses from.
const (
	// AskLogin leads to the app's login page; the app sees nothing.
	AskLogin Action = iota
	// AskFactor leads to the challenge; the app sees nothing.
	AskFactor
	// AskEnrolment leads to the set-up page; the app sees nothing.
	AskEnrolment
	// RefuseMethod answers 405; the app sees nothing.
	RefuseMethod
	// RefusePlace answers 403, whoever asks; the app sees nothing.
	RefusePlace
	// ServeOwn is answered by the gateway's own pages.
	ServeOwn
	// ForwardStranger sends the request to the app with what a stranger may have, and nothing that a login has earned.
	ForwardStranger
	// ForwardLogin sends a login to the app, as a stranger's, and withholds the answer until it is judged.
	ForwardLogin
	// ForwardVerified sends the request to the app with the session that is held for it.
	ForwardVerified
)

// String is the action's word in debug logs.
func (a Action) String() string {
	return [...]string{
		"ask login", "ask factor", "ask enrolment", "refuse method", "refuse place", "serve own", "forward stranger", "forward login", "forward verified",
	}[min(a, ForwardVerified)]
}

// Request is all that the decision looks at.
type Request struct {
	State  State
	Place  Place
	Method string
	// Upgrade tells that the request asks to leave HTTP for a protocol that the gateway cannot look into (a WebSocket).
	Upgrade bool
	// ExtendedConnect tells that a CONNECT is the WebSocket form of RFC 8441 and not a request for a tunnel.
	ExtendedConnect bool
}

// Decide is promise P1: nothing that is not public or a login reaches the app unless the session is verified.
//
// Two details are worth knowing. A login goes out as a stranger's whatever the state, so that the app can never switch
// the user of a session that other requests are using at this moment (P5). And a stranger may not open a WebSocket even
// on a public path, for what is said inside, a password perhaps, is out of the gateway's sight.
func Decide(r Request) Action {
	switch r.Method {
	case http.MethodTrace, "TRACK":
		// The answer would repeat the held cookies to the browser (P2).
		return RefuseMethod
	case http.MethodConnect:
		if !r.ExtendedConnect {
			return RefuseMethod
		}
	}
	switch r.Place {
	case Shut:
		return RefusePlace
	case Own:
		return ServeOwn
	case Login:
		return ForwardLogin
	case Public, Entry:
		if r.State != Verified && !r.Upgrade && !r.ExtendedConnect {
			return ForwardStranger
		}
	}
	switch r.State {
	case Verified:
		return ForwardVerified
	case Pending:
		return AskFactor
	case Enrolling:
		return AskEnrolment
	}
	return AskLogin
}
