package exchange

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// Config is everything that a Gateway needs. Fields without a default are required.
type Config struct {
	// App names the protected app; it scopes users and sessions.
	App string
	// Name is what people know the app by, on the gateway's pages. Default: App.
	Name string
	// Digits is how many digits a code has. Default 6.
	Digits int
	// Period is how long a code lasts. Default 30 seconds.
	Period time.Duration
	// Base is where the gateway's own pages live. Default `/second-factor`.
	Base string
	// LoginPage is where strangers are sent: the app's login page. It may be empty where a login stands in every
	// request.
	LoginPage string
	// Public is what strangers may ask for. Protect, Logout and Shut are globs over canonical paths; see gate.Rules.
	Public                []gate.Opening
	Protect, Logout, Shut match.Globs
	// Methods are all that the app takes, in capitals, HEAD among them only where it is named. Default: all that the
	// gateway can look after.
	Methods []string
	// Origins are those of other sites whose pages may open WebSockets here, such as `https://app.example.com`.
	// Default: none.
	Origins []string
	// CORS are the origins of other sites whose pages may ask whether they may send a request (preflights). Default:
	// none.
	CORS []string
	// Logins says what a login looks like, and how the app is asked who is signed in.
	Logins login.Set
	// Hold and Pass are globs over the names of cookies to keep, and of cookies the browser may keep; Rotates names
	// held cookies that the app changes in normal use.
	Hold, Pass, Rotates match.Globs
	// PassHeaders are headers that clients may send to the app beside those that all may (docs/configuration.md), each
	// perhaps at some paths only.
	PassHeaders []custody.PassHeader
	// RequireEveryone refuses the app to people without a second factor until they have set one up. Default: only those
	// who have one are asked.
	RequireEveryone bool
	// Grace is how long somebody may go on without, where everyone must have one. It counts from the first time that
	// somebody makes use of it. Default 0.
	Grace time.Duration
	// Offer shows those who have no second factor, once, how to set one up. Default: nobody is asked.
	Offer bool
	// Reauth is how long after a code the factors may be changed without another. Default 0: never.
	Reauth time.Duration
	// Recheck is how often the app is asked who is signed in while a session is in use. Default one minute.
	Recheck time.Duration
	// SettingsLink puts a link to the settings page into the app's HTML pages, for people whose session is verified.
	SettingsLink bool
	// Guard puts a script into the app's HTML pages that asks for the factor in a dialog when the app signs in by
	// script.
	Guard bool
	// Renews says that the app gives a session another cookie whenever somebody signs in, within a session too: then no
	// session is taken for one that may be raised without a sign. Default: every session is that the app can be asked
	// about.
	Renews bool
	// Language is the one that logins go out in where the typed name counts, so that no rule judges words that a client
	// chose: a tag such as `de`. Default: none is asked for, and the app answers in its own.
	Language string
	// Names keeps the names of cookies that a login put into custody, over restarts. Default: until the process ends.
	Names NameStore
	// Cookie is the name of the gateway's cookie on https. Default `__Host-sallyport`; on http the prefix is left out.
	Cookie string

	// Sessions, Factors and Pages are the rooms that keep something.
	Sessions *session.Manager
	Factors  *factor.Service
	Pages    *pages.Renderer

	// Logger gets what an operator should know. Never a secret. Default: discarded.
	Logger *slog.Logger
	// Events hears of what matters to security, of each thing once. Default: it is written to Logger.
	Events event.Sink
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// ClientAddress tells where a request comes from, for the log. Default: the connection's address.
	ClientAddress func(r *http.Request) string
	// Secure reports whether a request left the client over TLS: to us, or to a proxy in front that is believed. It
	// must say the same of a request throughout, whatever handlers behind us make of its headers. Default: it came to
	// us over TLS.
	Secure func(r *http.Request) bool
	// PrepareProbe makes a request of the gateway's own ready for the rest of the route, as the server did with the
	// request that it is made beside. Its context is one of that request's, with an end. Default: it is ready.
	PrepareProbe func(probe, beside *http.Request, w http.ResponseWriter) *http.Request
	// Unanswered is asked about an error of the rest of the route, whether to answer it with an error page of ours, and
	// with which status; 0: it is somebody else's to answer. Default: 0.
	Unanswered func(r *http.Request, err error) (status int)
	// TokenHeader and TokenScheme are how the app takes the bearer tokens that it issues, when it is asked who is
	// signed in. The scheme may be empty. Default, where both are empty: `Authorization` and `Bearer`.
	TokenHeader, TokenScheme string
	// Refresh are globs over canonical paths at which the app issues another bearer token to a session that has one.
	Refresh match.Globs
	// Front tells who an earlier handler of the route has signed in; empty: nobody. It goes with a login of kind
	// login.Placeholder, and is nil without one.
	Front func(r *http.Request) string
	// Observe is called once for each request, before it goes on, with what is known of its session. Default: nothing.
	Observe func(r *http.Request, outcome Outcome)
}

// Outcome is what the rest of the route may know of a request's session.
type Outcome struct {
	// User is the identity, empty unless the session is verified.
	User string
	// State is the session's state.
	State gate.State
	// Method is how the second factor was proved: totp, recovery, or none where none is owed. Empty unless verified.
	Method string
}

// NameStore keeps names of cookies for a site, over restarts. It is safe for concurrent use, and several processes may
// share one.
type NameStore interface {
	// Load returns all names that were added.
	Load(ctx context.Context) ([]string, error)
	// Add keeps more of them.
	Add(ctx context.Context, names []string) error
}
