package caddymodule

import (
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("second_factor", parseGlobal)
	httpcaddyfile.RegisterHandlerDirective("second_factor", parseSite)
	// After Caddy's own logins, whose outcome may matter here; before whatever makes or changes the app's answer.
	httpcaddyfile.RegisterDirectiveOrder("second_factor", httpcaddyfile.After, "forward_auth")
}

// parseGlobal reads the global block.
//
//	second_factor {
//		secrets  <module> ...
//		sessions <module> ...
//	}
func parseGlobal(d *caddyfile.Dispenser, previous any) (any, error) {
	d.Next()
	if previous != nil {
		return nil, d.Err("'second_factor' stands among the global options already")
	}
	if d.NextArg() {
		return nil, d.ArgErr()
	}
	app := new(App)
	words := newWords(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := words.once(); err != nil {
			return nil, err
		}
		word := d.Val()
		if word != "secrets" && word != "sessions" {
			return nil, unknown(d)
		}
		if !d.NextArg() {
			return nil, d.ArgErr()
		}
		name := d.Val()
		id := appID + "." + word + "." + name
		if _, err := caddy.GetModule(id); err != nil {
			return nil, d.Errf("unknown kind of %s '%s'", word, name)
		}
		guest, err := caddyfile.UnmarshalModule(d, id)
		if err != nil {
			return nil, err
		}
		raw := caddyconfig.JSONModuleObject(guest, "module", name, nil)
		if word == "secrets" {
			app.SecretsRaw = raw
		} else {
			app.SessionsRaw = raw
		}
	}
	return httpcaddyfile.App{Name: appID, Value: caddyconfig.JSON(app, nil)}, nil
}

func parseSite(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	if handler.App == "" {
		var err error
		if handler.App, err = defaultApp(h); err != nil {
			return nil, err
		}
	}
	return handler, nil
}

// UnmarshalCaddyfile reads the directive of a site.
//
//	second_factor {
//		preset     <name>
//		app        <name>
//		issuer     <name>
//		base       <path>
//		login      <path>... {
//			method   <method>...
//			when     form|query|json <name> <value>
//			username form|query <name> | json <pointer> | basic | placeholder <{...}> | none
//			success  status|location|cookie|header|json|body <argument>...
//			failure  status|location|cookie|header|json|body <argument>...
//			token    json <pointer> | header <name> | body
//			fields   <name>...
//			only_here
//			continues
//			from     <origin>...
//		}
//		login_page <path>
//		logout     <path>...
//		identity   <path> json <pointer> | header <name> [<regexp>] | body <regexp> [json]
//		identity   <path> {
//			method       <method>
//			content_type <type>
//			body         <text>
//			name         json <pointer> | header <name> [<regexp>] | body <regexp> [json]
//			guest        <name>...
//			needs        <cookie>
//			prefix       <text>
//		}
//		identity   typed
//		public     [<method>...] <path>...
//		protect    <path>...
//		shut       <path>...
//		methods    <method>...
//		hold       <cookie>...
//		pass       <cookie>...
//		rotates    <cookie>...
//		pass_header <name>... [for <path>...]
//		origins    <origin>...
//		token_header <name> [<scheme>]
//		refresh    <path>...
//		usernames  <regexp>
//		case_sensitive
//		recheck    <duration>
//		require    enrolled | everyone [grace <duration>]
//		offer
//		remember   <duration>
//		totp {
//			algorithm SHA1|SHA256|SHA512
//			digits    6|7|8
//			period    <duration>
//			skew      <number>
//		}
//		throttle {
//			free      <number>
//			delay     <duration>
//			max_delay <duration>
//			stop      <number>
//		}
//		reauth     <duration>
//		pending    <duration>
//		idle       <duration>
//		lifetime   <duration>
//		cookie     <name>
//		settings_link
//		guard
//		renews
//		brand {
//			name      <text>
//			logo      <file>
//			colour    <#rgb|#rrggbb>
//			templates <folder>
//		}
//		language   <tag>
//	}
//
// `login`, `identity` (but for `typed`), `public`, and in their blocks `when`, `success`, `failure`, `token` and `guest`, may stand
// several times.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	if err := h.readWords(d); err != nil {
		return err
	}
	if h.preset != nil {
		h.adopt(h.preset)
	}
	if len(h.Logins) == 0 {
		return d.Err("describe the app's login with 'login <path> { ... }'")
	}
	return h.checkAll(d)
}

// readWords reads a block of settings. Those that are refused are unknown in it.
func (h *Handler) readWords(d *caddyfile.Dispenser, refused ...string) error {
	words := newWords(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if slices.Contains(refused, d.Val()) {
			return unknown(d)
		}
		if err := words.once("login", "identity", "public", "pass_header"); err != nil {
			return err
		}
		if err := h.word(d); err != nil {
			return err
		}
	}
	return nil
}

// word reads the setting under the cursor.
func (h *Handler) word(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "preset":
		return h.parsePreset(d)
	case "app":
		return oneArgument(d, &h.App)
	case "issuer":
		return oneArgument(d, &h.Issuer)
	case "base":
		return oneArgument(d, &h.Base)
	case "login":
		return h.parseLogin(d)
	case "login_page":
		return h.parseLoginPage(d)
	case "logout":
		return pathArguments(d, &h.Logout)
	case "identity":
		return h.parseIdentity(d)
	case "public":
		return h.parsePublic(d)
	case "protect":
		return pathArguments(d, &h.Protect)
	case "shut":
		return pathArguments(d, &h.Shut)
	case "methods":
		return methodArguments(d, &h.Methods)
	case "hold":
		return someArguments(d, &h.Hold)
	case "pass":
		return someArguments(d, &h.Pass)
	case "rotates":
		return someArguments(d, &h.Rotates)
	case "pass_header":
		return h.parsePassHeader(d)
	case "origins":
		return originArguments(d, &h.Origins)
	case "token_header":
		return someArguments(d, &h.TokenHeader)
	case "refresh":
		return pathArguments(d, &h.Refresh)
	case "usernames":
		return oneArgument(d, &h.Usernames)
	case "case_sensitive":
		return noArguments(d, &h.CaseSensitive)
	case "recheck":
		return durationArgument(d, &h.Recheck, 1)
	case "require":
		return h.parseRequire(d)
	case "offer":
		return noArguments(d, &h.Offer)
	case "remember":
		return durationArgument(d, &h.Remember, time.Minute)
	case "totp":
		return h.parseTOTP(d)
	case "throttle":
		return h.parseThrottle(d)
	case "reauth":
		return durationArgument(d, &h.Reauth, 0)
	case "pending":
		return durationArgument(d, &h.Pending, 1)
	case "idle":
		return durationArgument(d, &h.Idle, 1)
	case "lifetime":
		return durationArgument(d, &h.Lifetime, 1)
	case "cookie":
		return oneArgument(d, &h.Cookie)
	case "settings_link":
		return noArguments(d, &h.SettingsLink)
	case "guard":
		return noArguments(d, &h.Guard)
	case "renews":
		return noArguments(d, &h.Renews)
	case "brand":
		return h.parseBrand(d)
	case "language":
		return h.parseLanguage(d)
	}
	return unknown(d)
}

var _ caddyfile.Unmarshaler = (*Handler)(nil)
