package caddymodule

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway"
)

func init() { caddy.RegisterModule(new(Handler)) }

// Handler asks for a second factor behind an app's own login. Place it in a route in front of the reverse proxy to the
// app. The Caddyfile's words are in UnmarshalCaddyfile; docs/configuration.md explains them.
type Handler struct {
	// The name of the app. It scopes users and sessions, so renaming it loses everybody's second factor. Required in
	// JSON; in the Caddyfile the default is the site's host.
	App string `json:"app,omitempty"`
	// The name that authenticators and the gateway's pages show. Default: the value of `app`
	Issuer string `json:"issuer,omitempty"`
	// The path of the gateway's own pages. Nothing below it reaches the app. Default: `/second-factor`
	Base string `json:"base,omitempty"`

	// The logins of the app, each with the requests that carry a password. The first one that fits takes a request. At
	// least one is required.
	Logins []Login `json:"logins,omitempty"`
	// The path to which strangers are redirected. Default: the first path of the first login that is neither `basic`
	// nor `placeholder`
	LoginPage string `json:"login_page,omitempty"`
	// The paths at which the app signs users out. An answer of 2xx or 3xx there ends the gateway's session too.
	Logout []string `json:"logout,omitempty"`
	// The sign-outs that have no address of their own, each known by a field of its request's body.
	LogoutFields []LogoutField `json:"logout_fields,omitempty"`
	// The questions by which the app says who is signed in, one for each kind of account. The gateway asks all of them.
	// A single question may stand without a list around it.
	Identities Identities `json:"identity,omitempty"`
	// If true, the app is never asked, and the name typed at the login counts. This replaces `identity`; it is weaker,
	// and docs/configuration.md says how.
	IdentityTyped bool `json:"identity_typed,omitempty"`
	// The paths that strangers may GET and HEAD. They take `*`; `?*` at the end opens a path with any query.
	Public []string `json:"public,omitempty"`
	// The paths that are closed to strangers although `public` opens them.
	Protect []string `json:"protect,omitempty"`
	// The paths that strangers may use with other methods than GET and HEAD.
	PublicMethods []Opening `json:"public_methods,omitempty"`
	// The paths that are closed to everybody, for doors at which no second factor can be asked for. The answer is 403.
	Shut []string `json:"shut,omitempty"`
	// The methods that the app takes. Any other one is answered 405, except on the gateway's own pages. Default: all
	// methods except CONNECT, TRACE and TRACK
	Methods []string `json:"methods,omitempty"`

	// The cookies to keep in custody besides those that are HttpOnly or set by a login. Globs.
	Hold []string `json:"hold,omitempty"`
	// The cookies that the browser may keep and send. Globs.
	Pass []string `json:"pass,omitempty"`
	// The held cookies that the app changes in normal use. Only needed with `identity_typed`.
	Rotates []string `json:"rotates,omitempty"`
	// The headers that clients may send to the app besides those that all clients may. Each is a name, or an object
	// with a name and the paths where the header is let through.
	PassHeader []PassHeader `json:"pass_header,omitempty"`

	// The header in which the app takes the bearer tokens that its logins issue, and the scheme in front of the token,
	// if any. Default: `Authorization` and `Bearer`
	TokenHeader []string `json:"token_header,omitempty"`
	// The paths at which the app issues another bearer token to whoever has one.
	Refresh []string `json:"refresh,omitempty"`

	// The regular expression that a typed name must match as a whole. Default: any name is accepted
	Usernames string `json:"usernames,omitempty"`
	// If true, typed names that differ in case only are different users.
	CaseSensitive bool `json:"case_sensitive,omitempty"`
	// The user's e-mail address, for notices. Default: none is known
	Mail *SentCodes `json:"mail,omitempty"`
	// Where a user's telephone number stands, and how long codes by text message are good.
	SMS *SentCodes `json:"sms,omitempty"`
	// The limits on the codes that are sent to a user, over all kinds.
	Sending *Sending `json:"sending,omitempty"`
	// The ways in which security events are told, besides the log. Default: none
	Notify []Notify `json:"notify,omitempty"`
	// The path at which the app lets users change their password. Default: none is named
	ChangePassword string `json:"change_password,omitempty"`
	// The interval at which `identity` is asked while a session is in use. Default: `1m`
	Recheck caddy.Duration `json:"recheck,omitempty"`

	// Who must have a second factor: `enrolled` (users who have set one up) or `everyone`. Default: `enrolled`
	Require string `json:"require,omitempty"`
	// How long users may postpone set-up where `require` is `everyone`. Default: they may not
	Grace caddy.Duration `json:"grace,omitempty"`
	// If true, users without a second factor are shown once how to set one up.
	Offer bool `json:"offer,omitempty"`
	// Who may set up a first factor: `open` (whoever knows the password), `code` (whoever has an enrolment code that an
	// operator made), or `network` (whoever comes from one of `enrolment_networks`). Default: `open`
	Enrolment string `json:"enrolment,omitempty"`
	// The networks from which a first factor may be set up, such as `10.0.0.0/8`. Only with `enrolment` `network`.
	EnrolmentNetworks []string `json:"enrolment_networks,omitempty"`
	// The other ways that serve a sign-in beside the strongest that a user has: `any`, `same` (those as strong) or
	// `none` (only the one kind). Default: `same` for users with two passkeys or more, else `any`
	Fallback string `json:"fallback,omitempty"`
	// How long a browser may be trusted after a code, at most 400 days. Default: browsers are not trusted
	Remember caddy.Duration `json:"remember,omitempty"`
	// If true, only browsers are trusted that hold a key, which cannot be copied as their cookie can.
	RememberKey bool `json:"remember_key,omitempty"`
	// The kinds of factors that users can set up, in the order in which they are offered: `totp`, `passkey`, `mail`,
	// `sms`. What users have of another kind goes on to work. Default: `totp` and `passkey`
	Factors []string `json:"factors,omitempty"`
	// The passkeys and security keys (WebAuthn). Default: passkeys are not offered; in a Caddyfile they are offered
	// under the site's first host that is a name
	Passkey *Passkey `json:"passkey,omitempty"`
	// The parameters of new one-time codes (RFC 6238).
	TOTP *TOTP `json:"totp,omitempty"`
	// The limits on guessing codes.
	Throttle *Throttle `json:"throttle,omitempty"`
	// How long after a code the user may change factors without another one. Default: each change needs a code
	Reauth caddy.Duration `json:"reauth,omitempty"`

	// How long a challenge stays open. Default: `10m`
	Pending caddy.Duration `json:"pending,omitempty"`
	// How long a verified session may go unused before it ends. Default: `1h`
	Idle caddy.Duration `json:"idle,omitempty"`
	// How long a verified session lasts in any case. Default: `24h`
	Lifetime caddy.Duration `json:"lifetime,omitempty"`
	// The name of the gateway's cookie. On plain http, which is accepted on loopback only, the prefix `__Host-` is left
	// out. Default: `__Host-sallyport`
	Cookie string `json:"cookie,omitempty"`
	// If true, the app is known to set another session cookie whenever a user signs in, within a session too. Otherwise
	// the gateway asks it after each request that may have signed somebody in, and sends such requests one at a time.
	Renews bool `json:"renews,omitempty"`
	// If true, the app's HTML pages get a link to the settings page.
	SettingsLink bool `json:"settings_link,omitempty"`
	// A CSS selector of the element in the app's pages that the link goes into, such as `header nav ul`. Where a page
	// has none, and where its policy lets no script of the site's in, the link stands at its end. Default: the end of
	// the page
	SettingsLinkInto string `json:"settings_link_into,omitempty"`
	// The origins of other sites whose pages may open WebSockets here. Default: none
	Origins []string `json:"origins,omitempty"`
	// The origins of other sites whose pages may ask by a preflight whether they may send a request. Default: none
	CORS []string `json:"cors,omitempty"`
	// If true, the app's HTML pages get a script that asks for the code in a dialog when the app signs in by script.
	// Without it such an app shows an error, and a reload leads to the challenge.
	Guard bool `json:"guard,omitempty"`

	// The look of the gateway's own pages.
	Brand *Brand `json:"brand,omitempty"`
	// The language of the gateway's own pages, a tag such as `de`. With `identity_typed` it is also the language that
	// logins ask the app for. Default: the language that the browser asks for
	Language string `json:"language,omitempty"`

	// preset holds the words of a Caddyfile's `preset` until the whole block is read.
	preset  *Handler
	gateway *gateway.Gateway
	// pooledWebhooks are the pool keys of the webhooks that Provision took.
	pooledWebhooks []string
}

// Login describes the requests by which users sign in to the app, and the app's answers to them.
type Login struct {
	// The canonical paths of the login. They take `*`. At least one is required.
	Paths []string `json:"paths,omitempty"`
	// The methods of the login. Default: POST
	Methods []string `json:"methods,omitempty"`
	// The conditions that make a request at these paths a login. All must hold. Each is `form`, `query` or `json`, a
	// name or pointer, and a value.
	When [][]string `json:"when,omitempty"`
	// The place of the user's name: `form` or `query` and a field, `json` and a pointer, `basic`, `placeholder` and a
	// placeholder, or `none`. Required.
	Username []string `json:"username,omitempty"`
	// The rules by which an answer is a success. All lines must hold. In a line, a kind such as `status` and its
	// arguments, one of which must fit. Default: `identity` decides
	Success [][]string `json:"success,omitempty"`
	// The rules by which an answer is a failure. One line that holds wins over `success`.
	Failure [][]string `json:"failure,omitempty"`
	// The places of bearer tokens in a successful answer. Each is `json` and a pointer, `header` and a name, or `body`.
	Token [][]string `json:"token,omitempty"`
	// The fields that the login may carry besides those of `username` and `when`. A login with any other field is
	// refused. Each is a name, or a name, `=` and a glob for the value. Default: any field
	Fields []string `json:"fields,omitempty"`
	// If true, requests that fit `when` are refused at every other path, in every state.
	OnlyHere bool `json:"only_here,omitempty"`
	// If true, this is the second step of a login. It carries no name, and what the first step left at the app goes
	// with it.
	Continues bool `json:"continues,omitempty"`
	// The origins of other sites whose pages may send this login. Default: none
	From []string `json:"from,omitempty"`
}

// Opening opens paths to strangers for some methods.
type Opening struct {
	// The methods, in capitals.
	Methods []string `json:"methods,omitempty"`
	// The canonical paths. They take `*`.
	Paths []string `json:"paths,omitempty"`
}

// Identity is a question that the gateway asks the app to learn who is signed in.
type Identity struct {
	// The path of the question, with a query if the app needs one.
	Path string `json:"path,omitempty"`
	// The method of the question. Default: GET
	Method string `json:"method,omitempty"`
	// The content type of `body`.
	ContentType string `json:"content_type,omitempty"`
	// The body of the question. Default: none
	Body string `json:"body,omitempty"`
	// The place of the name in the answer: `json` and a pointer; `header`, a name and perhaps a regular expression with
	// one group for a part of the value; or `body` and such an expression, followed by `json` if the group lies inside
	// a JSON string. Required.
	Name []string `json:"name,omitempty"`
	// The text to put in front of names that this question finds, so that they differ from those of other questions. An
	// empty text says that the same name is the same user. Default: empty, with a warning for all questions but the
	// first
	Prefix *string `json:"prefix,omitempty"`
	// The cookie without which nobody is signed in, so that the app need not be asked. A glob. Default: always ask
	Needs string `json:"needs,omitempty"`
	// The names that the app gives to users who are not signed in.
	Guests []string `json:"guests,omitempty"`
}

// TOTP holds the parameters of new one-time codes.
type TOTP struct {
	// The hash: SHA1, SHA256 or SHA512. Many authenticators know SHA1 only. Default: SHA1
	Algorithm string `json:"algorithm,omitempty"`
	// The number of digits: 6, 7 or 8. Default: 6
	Digits int `json:"digits,omitempty"`
	// How long each code is shown, in whole seconds. Default: `30s`
	Period caddy.Duration `json:"period,omitempty"`
	// The number of periods that a clock may be off, either way. Default: 1
	Skew *int `json:"skew,omitempty"`
}

// Passkey holds the settings of passkeys and security keys.
type Passkey struct {
	// The name that passkeys are bound to: the site's host, or a domain that it lies in. Changing it loses everybody's
	// passkeys. Without one, passkeys are not offered.
	RPID string `json:"rp_id,omitempty"`
	// Whether the device must recognise its user, by a fingerprint, a face or a PIN: `preferred`, `required` or
	// `discouraged`. Default: `preferred`
	UserVerification string `json:"user_verification,omitempty"`
	// The hosts of the site at which passkeys are not offered, because `rp_id` does not cover them; for the log only.
	Elsewhere []string `json:"elsewhere,omitempty"`
}

// Throttle limits guessing, for each user.
type Throttle struct {
	// The number of wrong codes without a wait. Default: 5
	Free int `json:"free,omitempty"`
	// The first wait. Each further wrong code doubles it. Default: `30s`
	Delay caddy.Duration `json:"delay,omitempty"`
	// The longest wait. Default: `1h`
	MaxDelay caddy.Duration `json:"max_delay,omitempty"`
	// The number of wrong codes after which no further code is judged. Default: 100
	Stop int `json:"stop,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.second_factor", New: func() caddy.Module { return new(Handler) }}
}

// Provision makes the gateway of this site. It reads the files that Brand names and does no other I/O: Caddy's storage
// is read at the first request.
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
	if config.Events, err = h.sinks(ctx, app, config.Factors); err != nil {
		return err
	}
	config.Logger, config.Contacts = logger, h.notifies("mail")
	h.count(&config)
	config.ClientAddress = clientAddress
	config.RequestID = requestID
	config.PrepareProbe = prepareProbe
	config.Observe = observe
	config.Secure = secure
	config.Unanswered = unanswered
	config.Names = newNameStore(ctx.Storage(), h.App)
	if h.gateway, err = gateway.New(config); err != nil {
		return fmt.Errorf("second_factor: %w", err)
	}
	app.sites.serve(h, config)
	h.tell(logger)
	h.warn(ctx, logger)
	return nil
}

// sinks returns the sinks of the site's security events. The audit log is the first, so that it gets them in any case.
func (h *Handler) sinks(ctx caddy.Context, app *App, factors *factor.Service) (event.Sinks, error) {
	caddys, err := newPassing(ctx)
	if err != nil {
		return nil, err
	}
	notices, err := h.notices(app, factors, ctx.Slogger())
	if err != nil {
		return nil, err
	}
	return append(event.Sinks{event.NewAudit(auditLog(ctx)), counted{}, caddys}, notices...), nil
}

// ServeHTTP passes a request through the gateway. Every request to the rest of the route, including the gateway's own,
// goes and returns through the function in it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	noteRequestID(r)
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
