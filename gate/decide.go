package gate

import "net/http"

// Place is the kind of thing that a request asks for. The zero value is Protected.
type Place uint8

// The places of a site.
const (
	// Protected is everything that is none of the others.
	Protected Place = iota
	// Public was opened by the operator with `public`, and not closed again with `protect`.
	Public
	// Entry is a page on which people sign in, so strangers must be able to see it.
	Entry
	// Login is a request that carries a password to the app.
	Login
	// Logout is a request by which the app ends its own session.
	Logout
	// Own are the gateway's pages, below `base`.
	Own
	// Preflight is a browser's question whether a page of another site may send a request.
	Preflight
	// Shut was closed to everybody by the operator, because no second factor can be asked for there.
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
	// RefuseForeign answers 403 because a page of another site sent the request; the app sees nothing.
	RefuseForeign
	// ServeOwn lets the gateway's own pages answer.
	ServeOwn
	// ForwardStranger sends the request to the app as a stranger's, without anything that a login has brought.
	ForwardStranger
	// ForwardSuspect is ForwardStranger for a request that may sign somebody in. The answer is judged like a login's.
	ForwardSuspect
	// ForwardLogin sends a login to the app, as a stranger's, and withholds the answer until it is judged.
	ForwardLogin
	// ForwardPreflight asks the app with nothing but the question, and passes on nothing but what it allows.
	ForwardPreflight
	// ForwardVerified sends the request to the app with the app's cookies from custody.
	ForwardVerified
)

// String is the action's word in debug logs.
func (a Action) String() string {
	return [...]string{
		"ask login", "ask factor", "ask enrolment", "refuse method", "refuse place", "refuse foreign", "serve own", "forward stranger",
		"forward suspect", "forward login", "forward preflight", "forward verified",
	}[min(a, ForwardVerified)]
}

// Request is everything that Decide takes into account.
type Request struct {
	State  State
	Place  Place
	Method string
	// Unwanted: the operator says that the app takes no requests by this method.
	Unwanted bool
	// Upgrade: the request asks to switch to a protocol that the gateway cannot look into, such as WebSocket.
	Upgrade bool
	// ExtendedConnect: a CONNECT is the WebSocket form of RFC 8441 and not a request for a tunnel.
	ExtendedConnect bool
	// Plain: the request is GET or HEAD, has no body, and its query has no field of any login. Any other request could
	// sign somebody in.
	Plain bool
	// PageLoad: a browser wants a page. It matters only in sessions that are not verified.
	PageLoad bool
	// Foreign: a page of another site sent the request, and the operator does not allow that site to.
	Foreign bool
}

// Decide keeps promise P1: nothing that is not public or a login reaches the app unless the session is verified.
//
// Some details are worth knowing. A login is sent as a stranger's in every state, so that the app can never switch the
// user of a session that other requests are using at that moment (P5). A stranger may not open a WebSocket even on a
// public path, because the gateway cannot see what is sent in it, which may be a password. A request that could sign
// somebody in is never treated as a page load. Users who owe a factor and open the login page are led to the challenge.
// Pages of other sites can neither sign anybody in here nor open WebSockets in a verified session.
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
		return RefuseMethod // in every state: the gateway could not judge what the app makes of such a request
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
		case r.ExtendedConnect: // the request is nothing but a socket, while an Upgrade header can be left out
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

// strange decides what a request in a session that is not verified may do, if it is no login: load a page on which
// people sign in, or what is public.
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
