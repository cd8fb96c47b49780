package exchange

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
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
	// LoginPage is the app's login page, where strangers are sent. It may be empty if every request carries a login.
	LoginPage string
	// Public is what strangers may ask for. Protect, Logout and Shut are globs over canonical paths; see gate.Rules.
	Public                []gate.Opening
	Protect, Logout, Shut match.Globs
	// Methods are the methods that the app takes, in capitals. HEAD has to be named like any other. Default: all that
	// the gateway can handle.
	Methods []string
	// Origins are the origins of other sites whose pages may open WebSockets here, such as `https://app.example.com`.
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
	// PassHeaders are further headers that clients may send to the app, at all paths or at some. Every client may send
	// those listed in docs/configuration.md.
	PassHeaders []custody.PassHeader
	// RequireEveryone makes users without a second factor set one up before they can use the app. Default: only users
	// who have one are asked for it.
	RequireEveryone bool
	// Grace is how long users may postpone set-up if RequireEveryone is set. It counts from the first time that a user
	// postpones. Default 0.
	Grace time.Duration
	// Offer shows users without a second factor once how to set one up. Default: nobody is shown.
	Offer bool
	// EnrolFrom are the networks from which users may set up a first factor. Default: from everywhere.
	EnrolFrom []netip.Prefix
	// Reauth is how long after a code the user may change factors without another one. Default 0: each change needs a
	// code.
	Reauth time.Duration
	// Recheck is how often the app is asked who is signed in while a session is in use. Default one minute.
	Recheck time.Duration
	// SettingsLink puts a link to the settings page into the app's HTML pages, for people whose session is verified.
	SettingsLink bool
	// SettingsLinkInto is a selector (CSS) of the element of a page that the link goes into, at its end, where there is
	// one and the page's policy lets a script of the site's in. Default: the end of the page.
	SettingsLinkInto string
	// Guard puts a script into the app's HTML pages that asks for the factor in a dialog when the app signs in by
	// script.
	Guard bool
	// Renews says that the app sets another session cookie whenever somebody signs in, within a session too. Default:
	// any request of a session may sign somebody else in without a new cookie, so the app is asked after each that
	// could, and such requests go one at a time.
	Renews bool
	// Language is the language that logins ask the app for if the typed name counts, a tag such as `de`. It keeps
	// clients from choosing the words that rules look for. Default: none, so that the app answers in its own.
	Language string
	// Names keeps the names of cookies that a login put into custody, over restarts. Default: until the process ends.
	Names NameStore
	// Cookie is the name of the gateway's cookie on https. Default `__Host-sallyport`; on http the prefix is left out.
	Cookie string

	// Sessions, Factors and Pages are the rooms that keep something.
	Sessions *session.Manager
	Factors  *factor.Service
	Pages    *pages.Renderer

	// Logger gets what an operator should know, and never a secret. Default: messages are discarded.
	Logger *slog.Logger
	// Events gets each security event, once. Default: events are written to Logger.
	Events event.Sink
	// WatchPasswords has a right password without a factor, from a browser in which the user was never seen, noted in
	// the user's record, and told if no factor is proved. Default: it is not, and a sign-in writes no record.
	WatchPasswords bool
	// ChangePassword is the path at which the app lets users change their password. Default: none is named.
	ChangePassword string
	// SendCode sends a code while the user waits for it. Its error is factor.ErrUnsure if the message may have been
	// sent all the same, and holds neither the code nor the address. Default: nothing is sent, and no kind of factor
	// whose codes are is offered.
	SendCode func(ctx context.Context, letter Letter) error
	// Contacts has users' e-mail addresses kept in their records, for notices. Default: they are not kept.
	Contacts bool
	// StreamCut is called for each answer or tunnel that was cut because its session ended. It must not block. Default:
	// nothing.
	StreamCut func()
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// ClientAddress returns the address that a request comes from. Default: the connection's address.
	ClientAddress func(r *http.Request) string
	// RequestID returns what the server's own log calls a request. Default: none, and events have no ID of a request.
	RequestID func(r *http.Request) string
	// Secure reports whether a request left the client over TLS, to us or to a trusted proxy in front. Its answer must
	// not change while later handlers change the request's headers. Default: whether the request came to us over TLS.
	Secure func(r *http.Request) bool
	// PrepareProbe prepares a request of the gateway's own for the rest of the route, as the server prepared the
	// client's request beside it. The context of the probe is derived from that request's and has a deadline. Default:
	// the probe is used as it is.
	PrepareProbe func(probe, beside *http.Request, w http.ResponseWriter) *http.Request
	// Unanswered decides whether an error of the rest of the route is answered with an error page of ours. It returns
	// the page's status, or 0 if another handler has to answer. Default: 0.
	Unanswered func(r *http.Request, err error) (status int)
	// TokenHeader and TokenScheme say how the app takes the bearer tokens that it issues. The scheme may be empty.
	// Default, if both are empty: `Authorization` and `Bearer`.
	TokenHeader, TokenScheme string
	// Refresh are globs over canonical paths at which the app issues another bearer token to a session that has one.
	Refresh match.Globs
	// Front returns the user whom an earlier handler of the route has signed in; empty for nobody. It is set if and
	// only if there is a login of kind login.Placeholder.
	Front func(r *http.Request) string
	// Observe is called once for each request, before it goes on, with what is known of its session. Default: nothing.
	Observe func(r *http.Request, outcome Outcome)
}

// Letter is a code on its way to a user. It prints nothing (factor.Message).
type Letter struct {
	factor.Message
	// Browser is a short name of the browser that asked for the code, and Client its address.
	Browser, Client string
	// Host is the site's, without a port.
	Host string
	// Language is the tag of the language that the user reads.
	Language string
}

// Outcome is what the rest of the route may know of a request's session.
type Outcome struct {
	// User is the identity, empty unless the session is verified.
	User string
	// State is the session's state.
	State gate.State
	// Method is how the second factor was proved: totp, passkey, mail, sms or recovery, or none if none is owed.
	// Empty unless verified.
	Method string
}

// NameStore keeps names of cookies for a site over restarts. It is safe for concurrent use, and several processes may
// share one.
type NameStore interface {
	// Load returns all names that were added.
	Load(ctx context.Context) ([]string, error)
	// Add keeps more of them.
	Add(ctx context.Context, names []string) error
}
