// Package exchange is one request and the session that it came with: finding the session, taking a step in it, ending
// it; and the answers that are the same wherever they are given: redirects, problem documents, error pages. What
// becomes of a request is decided in the rooms above.
package exchange

import (
	"net/http"
	"time"

	"sallyport.example/sallyport/factor"
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
	// Above does what only the rooms above can do; it is the request itself.
	Above Above

	Token string        // the session's token; empty without one
	data  *session.Data // the session as it was read last; nil without one
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
	// Withheld says that the app's answer to this request waits at /resume, although the request is no login.
	Withheld bool
	// SentSaved says that Sent was read: the client's own Cookie headers.
	SentSaved bool
	Sent      []string
	// moved is the e-mail address that the user had before this request; empty if it has not changed.
	moved string
	// Watch is what the factor that this request proved has settled.
	Watch factor.Watch
}

// Answer writes an answer. A nil Answer means that there is none yet and the request goes on.
type Answer func() error

// Above is what this room asks the rooms above to do.
type Above interface {
	// RefuseStranger answers a stranger if there is no login page.
	RefuseStranger() error
	// Follow is called when the session gets another token or identity.
	Follow(token, identity string)
	// Release is called when the request itself has ended the session: what is still sent is the answer to that.
	Release()
	// Untold is called when a change of the session could not be written to the store.
	Untold()
	// Begun reports whether an answer is being sent to the browser, or is ready to be.
	Begun() bool
	// Carrier is this request, as one of those that carry cookies of a session to the app.
	Carrier() underway.Carrier
}

// Session is the session as it was read last, to be read only; nil without one. Take is what changes it.
func (x *Exchange) Session() *session.Data { return x.data }

// Adopt has the exchange go on with what a store has just said of a session: data is nil where it has ended.
func (x *Exchange) Adopt(token string, data *session.Data) { x.Token, x.data = token, data }

// Forget has the exchange go on as a stranger's, without a session.
func (x *Exchange) Forget() { x.Token, x.data = "", nil }

// State is the session's state; Anonymous without a session.
func (x *Exchange) State() gate.State {
	if x.data == nil {
		return gate.Anonymous
	}
	return x.data.State
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
		outcome.User, outcome.Method = x.data.Identity, x.data.Method()
	}
	return outcome
}

// StatusClientLeft is what access logs show if the client left before its answer (nginx's 499).
const StatusClientLeft = 499

// Left ends a request whose client has left. The answer, which nobody has seen, is thrown away.
func (x *Exchange) Left() error {
	x.Log.DebugContext(x.R.Context(), "the client left before its answer", "app", x.Config.App, "place", x.Place.String())
	clear(x.W.Header())
	x.W.WriteHeader(StatusClientLeft)
	return nil
}

// Plain reports whether a request could sign nobody in, as far as can be seen from outside.
func (s *Site) Plain(r *http.Request) bool { return login.Plain(r) && !s.Config.Logins.NamesInQuery(r) }

// GuardPath is where the guard is, below base.
const GuardPath = "/guard.js"
