// Package gateway is the pipeline: plain net/http middleware that joins the rooms of the core. It recognises who asks
// (session), decides (gate), forwards with the right cookies (custody), withholds and judges logins (login), asks for
// factors (factor) on its own pages (pages). It knows nothing of Caddy; package caddymodule is its only caller.
package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
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

// Handler is the rest of the route: it ends in the app. An error means that no answer was written.
type Handler func(w http.ResponseWriter, r *http.Request) error

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
	// request that it is made beside. Default: the probe inherits the context of that request.
	PrepareProbe func(probe, beside *http.Request, w http.ResponseWriter) *http.Request
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

// Gateway is the middleware of one site; safe for concurrent use.
type Gateway struct {
	config  Config
	policy  *gate.Policy
	cookies custody.Policy
	headers *custody.HeaderPolicy
	secure  string // the cookie's name on https
	plain   string // and on http
	origins *http.CrossOriginProtection
	log     *slog.Logger
	// basic is the login that stands in the Authorization of every request; nil where there is none.
	basic *login.Block
	// tokens: the app issues bearer tokens.
	tokens bool
	// guests are the names that the app gives to whoever is not signed in.
	guests guests
	// underWay is what all gateways of the app in this process know of its requests.
	*underWay
	// harmless are the addresses that sign nobody in.
	harmless *harmless
	// toldOfRenews: the operator was told that the word may be missing.
	toldOfRenews atomic.Bool
	// learning sees to the names in config.Names.
	learning learning
	// watchers look after requests that take long.
	watchers watchers
}

// New checks the configuration and makes a gateway of it. It does no I/O.
func New(config Config) (*Gateway, error) {
	if config.App == "" || config.Sessions == nil || config.Factors == nil || config.Pages == nil {
		return nil, errors.New("gateway: app, sessions, factors and pages are required")
	}
	if config.Name == "" {
		config.Name = config.App
	}
	if config.Digits == 0 {
		config.Digits = 6
	}
	if config.Period == 0 {
		config.Period = 30 * time.Second
	}
	if config.Base == "" {
		config.Base = "/second-factor"
	}
	if config.Recheck == 0 {
		config.Recheck = time.Minute
	}
	if err := config.CheckCredentials(); err != nil {
		return nil, err
	}
	if config.TokenHeader == "" {
		config.TokenHeader, config.TokenScheme = "Authorization", "Bearer"
	}
	if config.Cookie == "" {
		config.Cookie = "__Host-sallyport"
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Events == nil {
		config.Events = event.NewLog(config.Logger)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.ClientAddress == nil {
		config.ClientAddress = func(r *http.Request) string { return r.RemoteAddr }
	}
	if config.Secure == nil {
		config.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if config.PrepareProbe == nil {
		config.PrepareProbe = func(probe, beside *http.Request, _ http.ResponseWriter) *http.Request {
			return probe.WithContext(beside.Context())
		}
	}
	if config.Observe == nil {
		config.Observe = func(*http.Request, Outcome) {}
	}
	policy, err := gate.NewPolicy(gate.Rules{
		Base: config.Base, LoginPage: config.LoginPage, Public: config.Public, Logout: config.Logout, Shut: config.Shut,
		Methods: config.Methods,
		// What issues tokens is for verified sessions, also where it lies below what is public.
		Protect: slices.Concat(config.Protect, config.Refresh),
	})
	if err != nil {
		return nil, err
	}
	if err := config.Logins.Validate(); err != nil {
		return nil, err
	}
	g := &Gateway{
		config: config, policy: policy, headers: custody.NewHeaderPolicy(config.PassHeaders), origins: http.NewCrossOriginProtection(),
		log: config.Logger, harmless: newHarmless(),
	}
	if g.tokens = len(config.Logins.Tokens()) > 0; g.tokens {
		g.headers.Token = config.TokenHeader
	}
	if err := g.checkStanding(); err != nil {
		return nil, err
	}
	if g.secure, g.plain, err = cookieNames(config.Cookie); err != nil {
		return nil, err
	}
	g.underWay = underWayOf(config.Sessions)
	g.cookies = custody.Policy{
		Hold: config.Hold, Pass: config.Pass, Own: []string{
			g.secure, g.plain, g.secure + trustSuffix, g.plain + trustSuffix, g.secure + nextSuffix, g.plain + nextSuffix,
		},
		Learned: &g.learned,
	}
	return g, nil
}

// ServeHTTP takes one request through the pipeline. The error is one that the rest of the route returned; everything
// that the gateway itself has to say it has written. Beside an error, nothing of a client's credentials or of custody
// is left in the request, for whatever handles the error may lead into the app.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request, next Handler) (err error) {
	x := &exchange{Gateway: g, w: w, r: r, next: next}
	handled := false
	defer func() {
		x.restore()
		if err != nil || !handled {
			x.strip()
		}
	}()
	err = x.serve()
	handled = true
	return err
}

func (x *exchange) serve() error {
	r := x.r
	if !x.transportIsSafe(r) {
		x.now = x.config.Now()
		return x.fail(http.StatusForbidden, pages.ErrorInsecure)
	}
	settleBody(r)
	err := x.loadSession()
	// After that: what the session says of its ages was written before it was read, also by a request that came later
	// than this one.
	x.now = x.config.Now()
	if err != nil {
		return x.storeFailed("load session", err)
	}
	if err := x.learnNames(); err != nil {
		return x.storeFailed("read the names of held cookies", err)
	}
	withoutUser(r)
	path := match.ParsePath(r.URL)
	x.path, x.target = path, r.RequestURI
	if path.EndsEarly() {
		return x.refuse(&login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The address could not be read.", Log: "path with a zero byte",
		})
	}
	if path.Climbs() {
		return x.refuse(&login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The address could not be read.", Log: "path with dot segments",
		})
	}
	if loadsWithBody(r) {
		return x.refuse(&login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The request could not be read.", Log: "a page load with a body",
		})
	}
	var admit login.Admit
	if x.state() != gate.Verified {
		admit = x.hasRoom
	}
	reading, err := x.config.Logins.RecogniseWithin(r, path, admit)
	if err != nil {
		if refused := x.judgeRefusal(err); refused != nil {
			return x.refuse(refused)
		}
	}
	x.attempt = reading.Attempt
	x.place = x.policy.Place(r, path, reading.Attempt != nil, reading.Entry)
	if (x.place == gate.Own || x.place == gate.Login) && r.Method != http.MethodGet && r.Header.Get("Early-Data") != "" {
		// RFC 8470 §5.2: 0-RTT data can be replayed; a code or a password must not be.
		return x.fail(http.StatusTooEarly, pages.ErrorTooEarly)
	}
	action := x.decide()
	if (x.basic != nil || x.config.Front != nil) && !final(action) {
		if answered, err := x.stand(); answered || err != nil {
			return err
		}
		action = x.decide()
	}
	return x.act(action)
}

// final actions do not depend on who is signed in.
func final(action gate.Action) bool {
	return action == gate.RefuseMethod || action == gate.RefusePlace || action == gate.RefuseForeign || action == gate.ForwardLogin
}

func (x *exchange) act(action gate.Action) error {
	switch action {
	case gate.ServeOwn:
		return x.serveOwn(x.path)
	case gate.ForwardLogin:
		return x.signIn(x.attempt)
	case gate.ForwardVerified:
		return x.forwardVerified()
	case gate.ForwardStranger:
		return x.forwardStranger()
	case gate.ForwardSuspect:
		return x.forwardSuspect()
	case gate.AskFactor, gate.AskEnrolment:
		return x.askFactor()
	case gate.RefuseMethod:
		x.w.Header().Set("Allow", x.policy.Allow())
		return x.fail(http.StatusMethodNotAllowed, pages.ErrorMethod)
	case gate.RefusePlace:
		return x.fail(http.StatusForbidden, pages.ErrorForbidden)
	case gate.RefuseForeign:
		x.log.InfoContext(x.r.Context(), "refused: another site's page sent it",
			"app", x.config.App, "place", x.place.String(), "client", x.config.ClientAddress(x.r))
		return x.fail(http.StatusForbidden, pages.ErrorForm)
	default:
		return x.askLogin()
	}
}

// decide has package gate say what becomes of the request in the state that its session has now.
func (x *exchange) decide() gate.Action {
	r := x.r
	request := gate.Request{
		State: x.state(), Place: x.place, Method: r.Method,
		Upgrade:         len(r.Header["Upgrade"]) > 0,
		ExtendedConnect: r.ProtoMajor >= 2 && r.Header.Get(":protocol") == "websocket",
	}
	sent := r.Method
	if request.ExtendedConnect {
		sent = http.MethodGet // which is how a WebSocket of HTTP/2 goes to the app
	}
	request.Unwanted = !x.policy.Takes(sent)
	switch {
	case x.place == gate.Login:
		request.Foreign = gate.Foreign(r, x.attempt.Block.From)
	case request.Upgrade || request.ExtendedConnect:
		request.Foreign = gate.Foreign(r, x.config.Origins)
	case request.State != gate.Verified:
		request.Plain, request.PageLoad = x.plain(), isPageLoad(r)
	}
	return gate.Decide(request)
}

// plain reports whether the request could sign nobody in, as far as can be seen from outside.
func (x *exchange) plain() bool { return login.Plain(x.r) && !x.config.Logins.NamesInQuery(x.r) }

// judgeRefusal decides what becomes of a request that looks like a login and cannot be read as one.
//
// A body that could not be examined whole may be an upload in a verified session, to an app that has one path for
// everything; then the app is asked who is signed in before a byte of the answer goes out. Nobody else may send one.
func (x *exchange) judgeRefusal(err error) *login.RefusedError {
	var refused *login.RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	var unexamined *login.UnexaminedError
	if errors.As(err, &unexamined) {
		if x.state() == gate.Verified {
			x.suspect = true
			return nil
		}
		return &login.RefusedError{Status: unexamined.Status, Reason: unexamined.Reason, Log: unexamined.Log}
	}
	return &login.RefusedError{Status: http.StatusBadRequest, Reason: "The request could not be read.", Log: fmt.Sprint(err)}
}
