package caddymodule

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("second_factor", parseGlobal)
	httpcaddyfile.RegisterHandlerDirective("second_factor", parseSite)
	// After Caddy's own logins, whose result may matter here, and before anything that produces or changes the app's
	// answer.
	httpcaddyfile.RegisterDirectiveOrder("second_factor", httpcaddyfile.After, "forward_auth")
}

// parseGlobal reads the global block.
//
//	second_factor {
//		secrets  <module> ...
//		sessions <module> ...
//		mail     <module> ...
//		sms      <module> ...
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
	if _, err := globalWords().read(d, app); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appID, Value: caddyconfig.JSON(app, nil)}, nil
}

// globalWords are the words of the global block.
func globalWords() table[App] {
	return table[App]{
		{name: "secrets", form: "<module> ...", read: func(d *caddyfile.Dispenser, app *App, _ places) (err error) {
			app.SecretsRaw, err = readGuest(d, "secrets")
			return err
		}},
		{name: "sessions", form: "<module> ...", read: func(d *caddyfile.Dispenser, app *App, _ places) (err error) {
			app.SessionsRaw, err = readGuest(d, "sessions")
			return err
		}},
		{name: "mail", form: "<module> ...", read: func(d *caddyfile.Dispenser, app *App, _ places) (err error) {
			app.MailRaw, err = readGuest(d, "mail")
			return err
		}},
		{name: "sms", form: "<module> ...", read: func(d *caddyfile.Dispenser, app *App, _ places) (err error) {
			app.SMSRaw, err = readGuest(d, "sms")
			return err
		}},
	}
}

// readGuest reads the name of a guest module and has the module read its own words.
func readGuest(d *caddyfile.Dispenser, kind string) (json.RawMessage, error) {
	if !d.NextArg() {
		return nil, errCount
	}
	name, namespace := d.Val(), appID+"."+kind
	if _, err := caddy.GetModule(namespace + "." + name); err != nil {
		var known []string
		for _, module := range caddy.GetModules(namespace) {
			known = append(known, module.ID.Name())
		}
		return nil, unknown("kind of "+kind, name, known)
	}
	guest, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, placed{err} // guests add the lines of their words themselves
	}
	return caddyconfig.JSONModuleObject(guest, "module", name, nil), nil
}

// readModule reads a guest module: the optional argument after its name, and its words. argument is nil if the module
// takes none. The position of the module's name is stored under the empty word.
func readModule[B any](d *caddyfile.Dispenser, argument *string, words table[B], block *B) (places, error) {
	d.Next()
	name := place{token: d.Token()}
	if argument != nil && d.NextArg() {
		*argument = d.Val()
	}
	if d.NextArg() {
		return nil, name.wrap(named(name.token.Text, errCount))
	}
	said, err := words.read(d, block)
	if err == nil {
		said[""] = []place{name}
	}
	return said, err
}

func parseSite(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler, said := new(Handler), make(places)
	if err := handler.read(h.Dispenser, said); err != nil {
		return nil, err
	}
	if handler.App == "" {
		var err error
		if handler.App, err = defaultApp(h); err != nil {
			return nil, err
		}
	}
	handler.passkeysAt(siteHosts(h))
	lines.remember(handler, said)
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
//		logout     <path>... | <path> form|json <name> <value>
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
//		cors       <origin>...
//		origins    <origin>...
//		token_header <name> [<scheme>]
//		refresh    <path>...
//		usernames  <regexp>
//		case_sensitive
//		mail {
//			address  json <pointer> | user
//			lifetime <duration>
//		}
//		sms {
//			address  json <pointer> | user
//			lifetime <duration>
//		}
//		sending {
//			delay <duration>
//			hour  <number>
//			day   <number>
//		}
//		notify     mail
//		notify     webhook <url> {
//			secret <text>
//		}
//		change_password <path>
//		recheck    <duration>
//		require    enrolled | everyone [grace <duration>]
//		offer
//		enrolment  open | code | network <cidr>...
//		fallback   any|same|none
//		remember   <duration> [key]
//		factors    totp|passkey|mail|sms...
//		passkey {
//			rp_id             <domain>
//			user_verification preferred|required|discouraged
//		}
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
//		settings_link [<selector>]
//		guard
//		renews
//		brand {
//			name      <text>
//			logo      <file>
//			colour    <#rgb|#rrggbb>
//			help      <text> [<url>]
//			templates <folder>
//		}
//		language   <tag>
//	}
//
// Each word stands once. These may stand several times: `login`, `logout`, `identity`, `public`, `pass_header`,
// `notify`, and in their blocks `when`, `success`, `failure`, `token`, `guest`.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return h.read(d, make(places))
}

// read reads the directive and adds the positions of its words to said. An error that only the whole shows gets the
// line of one of the words, or else of the directive.
func (h *Handler) read(d *caddyfile.Dispenser, said places) error {
	d.Next()
	here := place{token: d.Token()}
	if d.NextArg() {
		return here.wrap(named("second_factor", errCount))
	}
	words := siteWords()
	found, err := words.read(d, h)
	if err != nil {
		return err
	}
	maps.Copy(said, found)
	said[directiveWord] = []place{here}
	if h.preset != nil {
		// An error in a login of the preset gets the line of the `preset` word.
		said["login"] = append(said["login"], slices.Repeat(said["preset"], len(h.preset.Logins))...)
		words.adopt(h, h.preset)
	}
	return here.wrap(h.checkAll(said))
}

var _ caddyfile.Unmarshaler = (*Handler)(nil)
