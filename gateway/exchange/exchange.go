// Package exchange is one request and the session that it came with: finding the session, taking a step in it, ending
// it; and the answers that are the same wherever they are given: redirects, problem documents, error pages. What
// becomes of a request is decided in the rooms above.
package exchange

import (
	"net/http"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// Exchange is one request on its way through the pipeline, and the session that it came with. It belongs to one
// goroutine, as the request does.
type Exchange struct {
	*Site
	W   http.ResponseWriter
	R   *http.Request
	Now time.Time
	// Above is for what the rooms above do; it is the request itself.
	Above Above

	Token string        // the session's token; empty without one
	Data  *session.Data // the session as it was read last; nil without one
	// Apart says that the session's cookie has the port in its name, since another port's has the other one.
	Apart bool
	// Showed says that the browser came with a token of ours, whatever has become of its session.
	Showed bool
	// Over says that the session was verified and has ended with this request.
	Over bool
	// Path and Target are the request's as they came in: handlers behind us may rewrite them in place.
	Path   match.Path
	Target string
	Place  gate.Place
	// SentJSON says that one of our own forms came as a JSON document.
	SentJSON bool
	// Withheld says that the app's answer to this very request waits at /resume, though it is no login.
	Withheld bool
	// SentSaved says that Sent was read: the client's own Cookie headers.
	SentSaved bool
	Sent      []string
}

// Answer writes an answer. Where one is nil there is none yet, and the request goes on.
type Answer func() error

// Above is what the rooms above do where this one asks for it.
type Above interface {
	// RefuseStranger answers where there is no login page that a stranger could be sent to.
	RefuseStranger() error
	// Follow hears that the session has another token or identity from now on.
	Follow(token, identity string)
	// Release hears that the session has ended by the request's own wish: what is still sent is the answer to that.
	Release()
	// Untold hears that the store could not be told what became of the session.
	Untold()
	// Begun reports whether an answer has begun to go to the browser, or was put together to do so.
	Begun() bool
	// Carrier is the request among those that carry the cookies of a session.
	Carrier() underway.Carrier
}

// State is the session's, and that of strangers without one.
func (x *Exchange) State() gate.State {
	if x.Data == nil {
		return gate.Anonymous
	}
	return x.Data.State
}

// ClientCookies are the cookies that the client sent, as they came.
func (x *Exchange) ClientCookies() []string {
	if !x.SentSaved {
		x.Sent, x.SentSaved = x.R.Header["Cookie"], true
	}
	return x.Sent
}

// Outcome is what the rest of the route may know.
func (x *Exchange) Outcome() Outcome {
	outcome := Outcome{State: x.State()}
	if outcome.State == gate.Verified {
		outcome.User, outcome.Method = x.Data.Identity, x.Data.Method()
	}
	return outcome
}

// StatusClientLeft is nobody's to read: the client has gone. It is what access logs show then (nginx's 499).
const StatusClientLeft = 499

// Left ends a request whose client has gone. Whatever came of it was not seen, and is thrown away.
func (x *Exchange) Left() error {
	x.Log.DebugContext(x.R.Context(), "the client left before its answer", "app", x.Config.App, "place", x.Place.String())
	clear(x.W.Header())
	x.W.WriteHeader(StatusClientLeft)
	return nil
}

// Plain reports whether the request could sign nobody in, as far as can be seen from outside.
func (x *Exchange) Plain() bool { return login.Plain(x.R) && !x.Config.Logins.NamesInQuery(x.R) }

// GuardPath is where the guard is, below base.
const GuardPath = "/guard.js"
