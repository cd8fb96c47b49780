package caddymodule

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"sallyport/gateway"
)

func init() { caddy.RegisterModule(new(Handler)) }

// Handler asks for a second factor behind an app's own login. It stands in a route before the reverse proxy to the app;
// the Caddyfile's words for it are in UnmarshalCaddyfile, and what they mean in docs/configuration.md.
type Handler struct {
	// App names the app; it scopes users and sessions. Required here; in the Caddyfile, the site's host is the default.
	App string `json:"app,omitempty"`
	// Issuer is shown in the authenticator and on the gateway's pages. Default: App.
	Issuer string `json:"issuer,omitempty"`
	// Base is where the gateway's own pages live. Default: `/second-factor`.
	Base string `json:"base,omitempty"`

	// Logins tell what a login looks like. At least one.
	Logins []Login `json:"logins,omitempty"`
	// LoginPage is where strangers are sent. Default: the first path of the first login that is neither `basic` nor
	// `placeholder`; none where all are.
	LoginPage string `json:"login_page,omitempty"`
	// Logout are the paths at which the app signs people out; a 2xx or 3xx from one ends the session.
	Logout []string `json:"logout,omitempty"`
	// Identities are how the app is asked who is signed in, one for each kind of account that it has. All are asked. In JSON, one may
	// stand by itself, without a list around it.
	Identities Identities `json:"identity,omitempty"`
	// IdentityTyped: the app cannot be asked, and the typed name counts. It stands in the place of Identities.
	IdentityTyped bool `json:"identity_typed,omitempty"`
	// Public paths are open to strangers, to GET and HEAD. Protect wins over Public.
	Public  []string `json:"public,omitempty"`
	Protect []string `json:"protect,omitempty"`
	// PublicMethods opens paths to strangers for other methods.
	PublicMethods []Opening `json:"public_methods,omitempty"`
	// Shut paths answer 403 to everybody.
	Shut []string `json:"shut,omitempty"`
	// Methods are all that the app takes; every other one is answered 405, whoever asks, but at the gateway's own pages. Default: all that
	// the gateway can look after.
	Methods []string `json:"methods,omitempty"`

	// Hold names cookies to keep in custody beside those that are HttpOnly or set by a login; Pass cookies that the
	// browser may keep and send; Rotates held cookies that the app changes in normal use.
	Hold    []string `json:"hold,omitempty"`
	Pass    []string `json:"pass,omitempty"`
	Rotates []string `json:"rotates,omitempty"`
	// PassHeader are headers that clients may send to the app beside those that all may: names, or names with the paths at which
	// they may.
	PassHeader []PassHeader `json:"pass_header,omitempty"`

	// TokenHeader is the header in which the app takes the bearer tokens that its logins issue, and the scheme in front of the token
	// there, if any. Default: `Authorization` and `Bearer`.
	TokenHeader []string `json:"token_header,omitempty"`
	// Refresh are the paths at which the app issues another bearer token to whoever has one.
	Refresh []string `json:"refresh,omitempty"`

	// Usernames is a regular expression that typed names must match whole.
	Usernames string `json:"usernames,omitempty"`
	// CaseSensitive keeps the case of typed names apart.
	CaseSensitive bool `json:"case_sensitive,omitempty"`
	// Recheck is how often Identity is asked while a session is in use. Default: one minute.
	Recheck caddy.Duration `json:"recheck,omitempty"`

	// Require is who must have a second factor: `enrolled` (who has set one up) or `everyone`. Default: enrolled.
	Require string `json:"require,omitempty"`
	// Grace is how long somebody may go on without, where everyone must have one. Default: 0.
	Grace caddy.Duration `json:"grace,omitempty"`
	// Offer shows those who have none, once, how to set one up. Default: nobody is asked.
	Offer bool `json:"offer,omitempty"`
	// Remember is how long a browser can be trusted, at most 400 days. Default: 0, none can.
	Remember caddy.Duration `json:"remember,omitempty"`
	// TOTP are the parameters of codes (RFC 6238) for new enrolments.
	TOTP *TOTP `json:"totp,omitempty"`
	// Throttle limits guessing.
	Throttle *Throttle `json:"throttle,omitempty"`
	// Reauth is how long after a code the factors may be changed without another. Default: 0.
	Reauth caddy.Duration `json:"reauth,omitempty"`

	// Pending is how long a challenge stays open. Default: 10 minutes.
	Pending caddy.Duration `json:"pending,omitempty"`
	// Idle and Lifetime end a verified session. Defaults: one hour, 24 hours.
	Idle     caddy.Duration `json:"idle,omitempty"`
	Lifetime caddy.Duration `json:"lifetime,omitempty"`
	// Cookie is the name of the gateway's cookie. Default: `__Host-sallyport`, and without the prefix on http.
	Cookie string `json:"cookie,omitempty"`
	// Renews says that the app gives a session another cookie whenever somebody signs in, within a session too. Default: what may sign
	// somebody in is asked about, and is alone at the app, in every session in which that was not seen.
	Renews bool `json:"renews,omitempty"`
	// SettingsLink puts a link to the settings page into the app's HTML pages. Default: no link.
	SettingsLink bool `json:"settings_link,omitempty"`
	// Origins are those of other sites whose pages may open WebSockets here. Default: none.
	Origins []string `json:"origins,omitempty"`
	// Guard puts a script into the app's HTML pages that asks for the factor in a dialog when the app signs in by script.
	// Default: none; a reload leads to the challenge.
	Guard bool `json:"guard,omitempty"`

	// Brand is how the gateway's own pages look.
	Brand *Brand `json:"brand,omitempty"`
	// Language fixes the language of the pages: a tag such as `de`. Default: each browser gets what it asks for. Where the typed name
	// counts, logins go to the app in this language too; by default they ask for none.
	Language string `json:"language,omitempty"`

	// preset is what a Caddyfile's `preset` says, until the whole of the block is read.
	preset  *Handler
	gateway *gateway.Gateway
}

// Login is one `login` block.
type Login struct {
	// Paths are globs over canonical paths.
	Paths []string `json:"paths,omitempty"`
	// Methods default to POST.
	Methods []string `json:"methods,omitempty"`
	// When narrows the block: each is `form`, `query` or `json`, a name or pointer, and a value.
	When [][]string `json:"when,omitempty"`
	// Username is `form`, `query` or `json` with a name or pointer, `basic`, `placeholder` with a placeholder, or `none`.
	Username []string `json:"username,omitempty"`
	// Success and Failure are lines of rules, each a word such as `status` and its arguments.
	Success [][]string `json:"success,omitempty"`
	Failure [][]string `json:"failure,omitempty"`
	// Token is where a successful answer carries a bearer token: each is `json` and a pointer, `header` and a name, or `body`.
	Token [][]string `json:"token,omitempty"`
	// Fields are all fields that the login may carry beside those of Username and When; a login with another one is refused. Each is a
	// name, or a name, `=` and a glob of what its value must be.
	Fields []string `json:"fields,omitempty"`
	// OnlyHere: what When describes is refused at every other address than those of the logins, in every state.
	OnlyHere bool `json:"only_here,omitempty"`
	// Continues: this is the second step of a login, which has no name: what the first step left at the app goes with it.
	Continues bool `json:"continues,omitempty"`
	// From are the origins of other sites whose pages may send this login.
	From []string `json:"from,omitempty"`
}

// Opening is what strangers may ask for by other methods than GET and HEAD.
type Opening struct {
	// Methods in capitals.
	Methods []string `json:"methods,omitempty"`
	// Paths are globs over canonical paths.
	Paths []string `json:"paths,omitempty"`
}

// Identity is how the app is asked who is signed in.
type Identity struct {
	// Path of the question, with a query if need be.
	Path string `json:"path,omitempty"`
	// Method, ContentType and Body of the question. Default: GET without a body.
	Method      string `json:"method,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Body        string `json:"body,omitempty"`
	// Name is where the answer holds the name: `json` and a pointer, `header` and a name, perhaps with a
	// regular expression with one group for a part of its value, or `body` and such an expression, with `json` behind it where the
	// group stands inside a JSON string.
	Name []string `json:"name,omitempty"`
	// Prefix stands in front of the names of this kind of account, so that they are no other kind's. Empty: they are the same people's.
	// Default: empty, with a warning where it is not said of a second line.
	Prefix *string `json:"prefix,omitempty"`
	// Needs names a cookie, as a glob, without which nobody is signed in, and the app is not asked. Default: it is always asked.
	Needs string `json:"needs,omitempty"`
	// Guests are names that the app gives to whoever is not signed in.
	Guests []string `json:"guests,omitempty"`
}

// TOTP are the parameters of codes.
type TOTP struct {
	// Algorithm is SHA1, SHA256 or SHA512. Default: SHA1, the only one that all authenticators know.
	Algorithm string `json:"algorithm,omitempty"`
	// Digits is 6, 7 or 8. Default: 6.
	Digits int `json:"digits,omitempty"`
	// Period of a code. Default: 30 seconds.
	Period caddy.Duration `json:"period,omitempty"`
	// Skew is how many periods a clock may be off, either way. Default: 1.
	Skew *int `json:"skew,omitempty"`
}

// Throttle limits guessing, for each user.
type Throttle struct {
	// Free wrong codes cost nothing. Default: 5.
	Free int `json:"free,omitempty"`
	// Delay is the first wait; each further wrong code doubles it, up to MaxDelay. Defaults: 30 seconds, one hour.
	Delay    caddy.Duration `json:"delay,omitempty"`
	MaxDelay caddy.Duration `json:"max_delay,omitempty"`
	// Stop is the number of wrong codes after which no further one is judged. Default: 100.
	Stop int `json:"stop,omitempty"`
}

// CaddyModule tells Caddy the module's name.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.second_factor", New: func() caddy.Module { return new(Handler) }}
}

// Provision makes the gateway of this site. It reads the files that Brand names, and does no other I/O: what is kept in Caddy's
// storage is read with the first request.
func (h *Handler) Provision(ctx caddy.Context) error {
	loaded, err := ctx.App(appID)
	if err != nil {
		return fmt.Errorf("second_factor: %w", err)
	}
	app, logger := loaded.(*App), ctx.Slogger()
	config, err := h.build(app)
	if err != nil {
		return err
	}
	if err := checkTransport(ctx, logger); err != nil {
		return err
	}
	if err := app.sites.join(h); err != nil {
		return err
	}
	config.Logger = logger
	config.ClientAddress = clientAddress
	config.PrepareProbe = prepareProbe
	config.Observe = observe
	config.Secure = secure
	config.Names = newNameStore(ctx.Storage(), h.App)
	if h.gateway, err = gateway.New(config); err != nil {
		return fmt.Errorf("second_factor: %w", err)
	}
	h.tell(logger)
	h.warn(ctx, logger)
	return nil
}

// ServeHTTP takes a request through the gateway. All that goes on to the rest of the route, questions of the gateway's own too, goes
// by the one function here, and all that comes back.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	err := h.gateway.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
		settleOriginal(r)
		return quiet(next.ServeHTTP(w, r))
	})
	if err != nil {
		settleOriginal(r)
	}
	return err
}

func duration(d caddy.Duration) time.Duration { return time.Duration(d) }

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
