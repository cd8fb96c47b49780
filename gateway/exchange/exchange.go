// Package exchange is one request and the session that it came with: it finds the session, takes a step in it, and ends
// it. It also gives the answers that are the same everywhere: redirects, problem documents, error pages. The rooms
// above decide what becomes of a request.
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
	// Above does what only the rooms above can do; it is the same request, as those rooms see it.
	Above Above

	Token string        // the session's token; empty without a session
	data  *session.Data // the session as it was last read; nil without one
	// Apart: the session's cookie has the port in its name, since another port's site uses the other name.
	Apart bool
	// Showed: the browser sent a token of ours, whatever has become of its session.
	Showed bool
	// Over: the session was verified and has ended with this request.
	Over bool
	// Path and Target are the request's as they came in, because handlers behind us may rewrite the request in place.
	Path   match.Path
	Target string
	Place  gate.Place
	// SentJSON: one of our own forms came as a JSON document.
	SentJSON bool
	// Withheld: the app's answer to this request waits at /resume, although the request is no login.
	Withheld bool
	// SentSaved: Sent was read. Sent are the client's own Cookie headers.
	SentSaved bool
	Sent      []string
	// moved is the e-mail address that the user had before this request; empty if it has not changed.
	moved string
	// said is what the secrets store said last of a user's factors; nil if it was not asked.
	said *said
	// Watch is what the factor that this request proved has settled.
	Watch factor.Watch
}

// Answer writes an answer. A nil Answer means that there is none yet and the request goes on.
type Answer func() error

// Above is what this room asks of the rooms above.
type Above interface {
	// RefuseStranger answers a stranger if there is no login page.
	RefuseStranger() error
	// Methods returns how the user of a pending session can go on, as scripts are told it.
	Methods() []string
	// Follow is called when the session gets another token or identity.
	Follow(token, identity string)
	// Release is called when the request itself has ended the session, because what is still sent is the answer to
	// that.
	Release()
	// Untold is called when a change of the session could not be written to the store.
	Untold()
	// Begun reports whether an answer is being sent to the browser, or is ready to be.
	Begun() bool
	// Carrier returns this request as one of those that carry cookies of a session to the app.
	Carrier() underway.Carrier
}

// Session returns the session as it was last read, to be read only; nil without one. Take changes it.
func (x *Exchange) Session() *session.Data { return x.data }

// Adopt makes the exchange go on with what a store has just said of a session. data is nil if the session has ended.
func (x *Exchange) Adopt(token string, data *session.Data) { x.Token, x.data = token, data }

// Forget makes the exchange go on as a stranger's, without a session.
func (x *Exchange) Forget() { x.Token, x.data = "", nil }

// State returns the session's state; Anonymous without a session.
func (x *Exchange) State() gate.State {
	if x.data == nil {
		return gate.Anonymous
	}
	return x.data.State
}

// ClientCookies returns the Cookie headers that the client sent, unchanged.
func (x *Exchange) ClientCookies() []string {
	if !x.SentSaved {
		x.Sent, x.SentSaved = x.R.Header["Cookie"], true
	}
	return x.Sent
}

// Outcome returns what the rest of the route may know of the session.
func (x *Exchange) Outcome() Outcome {
	outcome := Outcome{State: x.State()}
	if outcome.State == gate.Verified {
		outcome.User, outcome.Method = x.data.Identity, x.data.Method()
	}
	return outcome
}

// StatusClientLeft is what access logs show if the client left before its answer (nginx's 499).
const StatusClientLeft = 499

// Left ends a request whose client has left. It throws the answer away, which nobody has seen.
func (x *Exchange) Left() error {
	x.Log.DebugContext(x.R.Context(), "the client left before its answer", "app", x.Config.App, "place", x.Place.String())
	clear(x.W.Header())
	x.W.WriteHeader(StatusClientLeft)
	return nil
}

// Plain reports whether a request, as far as can be seen from outside, could sign nobody in.
func (s *Site) Plain(r *http.Request) bool { return login.Plain(r) && !s.Config.Logins.NamesInQuery(r) }

// What stands in the app's own pages is below base, open to everyone: the guard, its dialog, and what puts the settings
// link into its place.
const (
	GuardPath       = "/guard.js"
	GuardDialogPath = "/guard-dialog.js"
	LinkPath        = "/settings-link.js"
)
