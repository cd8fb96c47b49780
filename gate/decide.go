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
	// Preflight is a browser's question whether a page of another site may send a request.
	Preflight
	// Shut is what the operator closed to everybody: a door of the app's at which a second factor cannot be asked for.
	Shut
)

// String is the place's word in debug logs.
func (p Place) String() string {
	return [...]string{"protected", "public", "entry", "login", "logout", "own", "preflight", "shut"}[min(p, Shut)]
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
	// RefuseForeign answers 403: another site's page has sent the request, which must not do so; the app sees nothing.
	RefuseForeign
	// ServeOwn is answered by the gateway's own pages.
	ServeOwn
	// ForwardStranger sends the request to the app with what a stranger may have, and nothing that a login has earned.
	ForwardStranger
	// ForwardSuspect is ForwardStranger for a request that may sign somebody in: the answer is judged as a login's is.
	ForwardSuspect
	// ForwardLogin sends a login to the app, as a stranger's, and withholds the answer until it is judged.
	ForwardLogin
	// ForwardPreflight asks the app with nothing but the question, and passes on nothing but what it allows.
	ForwardPreflight
	// ForwardVerified sends the request to the app with the session that is held for it.
	ForwardVerified
)

// String is the action's word in debug logs.
func (a Action) String() string {
	return [...]string{
		"ask login", "ask factor", "ask enrolment", "refuse method", "refuse place", "refuse foreign", "serve own", "forward stranger",
		"forward suspect", "forward login", "forward preflight", "forward verified",
	}[min(a, ForwardVerified)]
}

// Request is all that the decision looks at.
type Request struct {
	State  State
	Place  Place
	Method string
	// Unwanted: the app takes no requests by this method, by the word of the operator.
	Unwanted bool
	// Upgrade: the request asks to leave HTTP for a protocol that the gateway cannot look into (a WebSocket).
	Upgrade bool
	// ExtendedConnect: a CONNECT is the WebSocket form of RFC 8441 and not a request for a tunnel.
	ExtendedConnect bool
	// Plain: GET or HEAD without a body and without a field of any login's in its query. All else could sign somebody
	// in.
	Plain bool
	// PageLoad: a browser wants a page. It counts where nobody is verified.
	PageLoad bool
	// Foreign: a page of another site has sent the request, and none of those that the operator names for this purpose.
	Foreign bool
}

// Decide is promise P1: nothing that is not public or a login reaches the app unless the session is verified.
//
// Some details are worth knowing. A login goes out as a stranger's whatever the state, so that the app can never switch
// the user of a session that other requests are using at this moment (P5). A stranger may not open a WebSocket even on
// a public path, for what is said inside, a password perhaps, is out of the gateway's sight. A request that could sign
// somebody in is never a mere page load. Whoever owes a factor and opens the login page has one already, and is led to
// the challenge. And other sites' pages can neither sign anybody in here, nor speak in a verified session's WebSockets.
func Decide(r Request) Action {
	tunnel := r.Upgrade || r.ExtendedConnect
	switch r.Method {
	case http.MethodTrace, "TRACK":
		// The answer would repeat the held cookies to the browser (P2).
		return RefuseMethod
	case http.MethodConnect:
		if !r.ExtendedConnect {
			return RefuseMethod
		}
	}
	if r.Unwanted && r.Place != Own {
		return RefuseMethod // whoever asks: what such an app makes of it is no request that could be judged
	}
	switch r.Place {
	case Shut:
		return RefusePlace
	case Own:
		return ServeOwn
	case Preflight:
		if tunnel || r.Method != http.MethodOptions {
			return RefuseMethod
		}
		return ForwardPreflight
	case Login:
		switch {
		case r.Foreign:
			return RefuseForeign
		case r.ExtendedConnect: // a socket through and through, where an Upgrade is a header that can be left out
			return RefuseMethod
		}
		return ForwardLogin
	}
	if r.State == Verified {
		if tunnel && r.Foreign {
			return RefuseForeign
		}
		return ForwardVerified
	}
	return strange(r, tunnel)
}

// strange decides what somebody may do whose session is not verified, beside signing in: see pages on which people sign
// in, and what is public.
func strange(r Request, tunnel bool) Action {
	owes := r.State == Pending || r.State == Enrolling
	switch {
	case tunnel:
	case r.Place == Entry && r.Plain && !(owes && r.PageLoad), r.Place == Public && r.Plain:
		return ForwardStranger
	case r.Place == Public:
		return ForwardSuspect
	}
	switch r.State {
	case Pending:
		return AskFactor
	case Enrolling:
		return AskEnrolment
	}
	return AskLogin
}
