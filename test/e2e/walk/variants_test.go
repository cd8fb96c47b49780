package walk

import (
	"strings"

	"sallyport.example/sallyport/demo"
)

// variant is the demo app, made to behave like some real app, and its Caddyfile.
type variant struct {
	name  string
	knobs demo.Knobs
	// block has the lines in second_factor besides those of all variants.
	block string
	// shape changes the target.
	shape func(*Target)
	// admin and root are further realms; secure: on https; front: Caddy asks for the password; errors: failed requests
	// also go to the app.
	admin, root, secure, front, errors bool
	guests                             []string
}

// typed is a site that does not ask its app who is signed in, and whose login succeeds by this line. The fields are
// those of the login page, because the operator does not know which others the app reads.
func typed(success string) string {
	return "identity typed\nlogin /login {\nusername form username\n" + typedFields + "success " + success + "\n}\n"
}

// typedJSON describes the other door of such a site.
const typedJSON = "login /api/login {\nusername json /user/name\nfields /user/password\nsuccess " + signedIn + "\n}\n"

const (
	asked           = "identity /api/me json /login\n"
	renewing        = asked + "renews\n"
	formLogin       = "login /login {\nusername form username\n}\n"
	jsonLogin       = "login /api/login {\nusername json /user/name\n}\n"
	bothAsked       = asked + "identity /api/admin/me json /login\n"
	oneAddressAsked = "login / {\nwhen form username *\nusername form username\n}\nlogin_page /?do=login\nidentity /?do=api/me json /login\n"
	basicOnly       = "login * {\nusername basic\n}\n"
	signedIn        = "cookie " + demo.LastCookie
	// typedFields are the fields of the login page's form, besides the name.
	typedFields = "fields password next csrf\n"
)

// loose makes the app sign in like most variants: at /login, with a form of any kind.
func loose(knobs demo.Knobs) demo.Knobs {
	knobs.NoFormToken, knobs.LooseLogin = true, true
	return knobs
}

// variants returns all variants that the walk attacks.
func variants() []variant {
	return []variant{
		{name: "identity", knobs: loose(demo.Knobs{EmailField: true}), block: formLogin + jsonLogin + asked},
		{name: "form token", knobs: demo.Knobs{Rotate: true}, block: formLogin + jsonLogin + asked, shape: withToken},
		{
			name: "rules", knobs: loose(demo.Knobs{}),
			block: "login /login {\nusername form username\nsuccess status 302 303\nfailure location /login*\n}\n" + asked,
		},
		{name: "typed", knobs: loose(demo.Knobs{TellsByCookie: true, EmailField: true}), block: typed(signedIn)},
		{
			name: "two realms", knobs: loose(demo.Knobs{Realms: true}), admin: true,
			block: "login /login {\nusername form username\n}\nlogin /admin/login {\nusername form username\n}\n" + asked, shape: withUntold,
		},
		{
			name: "two realms, both asked", knobs: loose(demo.Knobs{Realms: true}), admin: true,
			block: "login /login {\nusername form username\n}\nlogin /admin/login {\nusername form username\n}\n" + bothAsked, shape: withAdmin,
		},
		{
			name: "two realms, one door", knobs: loose(demo.Knobs{Realms: true}), admin: true,
			block: "login /admin/login {\nusername form username\n}\n" + bothAsked, shape: withOneDoor,
		},
		{
			name: "one address", knobs: demo.Knobs{NoFormToken: true, OneAddress: true}, shape: atOneAddress,
			block: oneAddressAsked,
		},
		{
			name: "one address, typed", knobs: demo.Knobs{NoFormToken: true, OneAddress: true, TellsByCookie: true}, shape: atOneAddress,
			block: oneAddressTyped(),
		},
		{
			name: "public door", knobs: demo.Knobs{NoFormToken: true, OneAddress: true}, shape: atPublicDoor,
			block: oneAddressAsked + "public POST PUT PATCH DELETE /static/*?*\n",
		},
		{
			name: "public door, in place", knobs: demo.Knobs{NoFormToken: true, OneAddress: true, ElevateInPlace: true}, shape: atPublicDoor,
			block: oneAddressAsked + "public POST PUT PATCH DELETE /static/*?*\n",
		},
		{
			name: "public door, typed", knobs: demo.Knobs{NoFormToken: true, OneAddress: true, TellsByCookie: true},
			block: oneAddressTyped() + "public POST PUT PATCH DELETE /static/*?*\n", shape: atPublicDoor,
		},
		{name: "in place", knobs: loose(demo.Knobs{ElevateInPlace: true, EmailField: true}), block: formLogin + jsonLogin + asked},
		{name: "in place, typed", knobs: loose(demo.Knobs{TellsByCookie: true, ElevateInPlace: true, EmailField: true}), block: typed(signedIn) + typedJSON},
		{name: "in place, scripts have the cookie", knobs: loose(demo.Knobs{ElevateInPlace: true, ScriptCookie: true, TellsByCookie: true}), block: formLogin + jsonLogin + asked},
		{name: "404", knobs: loose(demo.Knobs{LoginStatus: 404}), block: formLogin + jsonLogin + renewing},
		{name: "404, typed", knobs: loose(demo.Knobs{TellsByCookie: true, LoginStatus: 404}), block: typed(signedIn + "\nsuccess status 303 404")},
		{name: "406", knobs: loose(demo.Knobs{PickyAccept: true}), block: formLogin + renewing, shape: withHeader("Accept: application/xml")},
		{name: "406, typed", knobs: loose(demo.Knobs{TellsByCookie: true, PickyAccept: true}), block: typed(signedIn), shape: withHeader("Accept: application/xml")},
		{name: "sent on", knobs: loose(demo.Knobs{SendOn: true}), block: formLogin + asked},
		{name: "sent on, typed", knobs: loose(demo.Knobs{TellsByCookie: true, SendOn: true}), block: typed(signedIn)},
		{name: "cookie always", knobs: loose(demo.Knobs{SetAlways: true}), block: formLogin + renewing},
		{name: "cookie always, typed", knobs: loose(demo.Knobs{TellsByCookie: true, SetAlways: true}), block: typed(signedIn)},
		{
			name: "rotates, typed", knobs: loose(demo.Knobs{TellsByCookie: true, Rotate: true, EmailField: true}), block: typed(signedIn) + typedJSON + "rotates ledger_session ledger_last\n",
		},
		{name: "trusting", knobs: loose(demo.Knobs{TrustHeaders: true, LoosePaths: true}), block: formLogin + renewing, shape: withOverride},
		{name: "trusting, typed", knobs: loose(demo.Knobs{TellsByCookie: true, TrustHeaders: true, LoosePaths: true}), block: typed(signedIn), shape: withOverride},
		{name: "errors", knobs: loose(demo.Knobs{BasicAnywhere: true}), block: basicOnly + asked, shape: withErrors, errors: true},
		{name: "basic", knobs: loose(demo.Knobs{BasicAnywhere: true}), block: basicOnly + asked, shape: withBasic},
		{name: "basic, typed", knobs: loose(demo.Knobs{}), block: "login /api/me {\nusername basic\n}\nidentity typed\n", shape: withBasicInterface},
		{
			name: "bearer", knobs: loose(demo.Knobs{BearerTokens: true}),
			block: "login /api/login {\nusername json /user/name\ntoken json /token\n}\nlogin_page /login\n" + asked, shape: withBearer,
		},
		{
			name: "front", knobs: demo.Knobs{NoFormToken: true, TrustHeaders: true}, front: true,
			block: "login * {\nusername placeholder {http.auth.user.id}\n}\n", shape: withFront,
		},
		{name: "bound to Client-IP", knobs: loose(demo.Knobs{Binds: "Client-Ip"}), block: formLogin + asked + "pass_header Client-IP\n", shape: withHeader("Client-IP: 192.0.2.6")},
		{name: "bound to X-Forwarded-For", knobs: loose(demo.Knobs{Binds: "X-Forwarded-For"}), block: formLogin + renewing, shape: withHeader("X-Forwarded-For: 192.0.2.6")},
		{name: "bound to User-Agent", knobs: loose(demo.Knobs{Binds: "User-Agent"}), block: formLogin + renewing, shape: withHeader("User-Agent: (odd)")},
		{name: "bound to Accept-Language", knobs: loose(demo.Knobs{Binds: "Accept-Language"}), block: formLogin + renewing, shape: withHeader("Accept-Language: de")},
		{
			name: "second session", knobs: loose(demo.Knobs{APISession: true}), root: true,
			block: formLogin + jsonLogin + "identity /whoami json /login\n",
		},
		{name: "names strangers", knobs: loose(demo.Knobs{NamesStrangers: true}), block: formLogin + asked, guests: []string{"anonymous"}},
		{name: "speaks German", knobs: loose(demo.Knobs{Translates: true, LoginStatus: 200}), block: german(), shape: withHeader("Accept-Language: de", "Range: bytes=0-7")},
		{name: "moved", knobs: loose(demo.Knobs{TellsByCookie: true, Mounts: true}), block: typed(signedIn), shape: withHeader("X-Script-Name: /static")},
		{name: "full", knobs: loose(demo.Knobs{Fills: true, EmailField: true}), block: formLogin + renewing, shape: withFill},
		{name: "full, in place", knobs: loose(demo.Knobs{Fills: true, ElevateInPlace: true, TellsByCookie: true, EmailField: true}), block: formLogin + asked, shape: withFill},
		{
			name: "one session, a page", knobs: loose(demo.Knobs{OneSession: true, LoginStatus: 200, ChoosesCookie: true}),
			block: formLogin + jsonLogin + asked, shape: withChoice,
		},
		{
			name: "one session, in place", knobs: loose(demo.Knobs{OneSession: true, LoginStatus: 200, ChoosesCookie: true, ElevateInPlace: true}),
			block: formLogin + asked, shape: withChoice,
		},
		{
			name: "remembers", knobs: loose(demo.Knobs{OneSession: true, Remembers: true, Rotate: true, ChoosesCookie: true}),
			block: formLogin + renewing, shape: withMoods,
		},
		{
			name: "remembers, in place", knobs: loose(demo.Knobs{OneSession: true, Remembers: true, Rotate: true, ElevateInPlace: true}),
			block: formLogin + asked, shape: withMoods,
		},
		{name: "TLS", knobs: loose(demo.Knobs{}), block: formLogin + jsonLogin + renewing, secure: true},
		{name: "loose paths", knobs: loose(demo.Knobs{LoosePaths: true, Gzip: true}), block: formLogin + renewing},
	}
}

// oneAddressTyped is a site with one address that does not ask its app who is signed in.
func oneAddressTyped() string {
	return "identity typed\nlogin / {\nwhen form username *\nusername form username\nfields do password next csrf\n" + "success " + signedIn + "\n}\nlogin_page /?do=login\n"
}

// german is a site whose operator chose a cookie as proof of success that the app also sets after a wrong password. So
// a text decides, and the client chooses the language of that text.
func german() string {
	return strings.Replace(typed("cookie "+demo.SessionCookie), "success", "failure body \"Wrong user name\"\nsuccess", 1)
}

func withToken(t *Target) {
	t.Doors[0].Token, t.Doors[0].Page = "csrf", "/login"
}

func withAdmin(t *Target) {
	t.Doors = append(t.Doors, Door{Path: "/admin/login", Form: [2]string{"username", "password"}})
	t.Pages = append(t.Pages, "/admin/", "/api/admin/me", "/admin/login")
}

func withUntold(t *Target) {
	withAdmin(t)
	t.Untold = "admin"
}

func withOneDoor(t *Target) {
	withAdmin(t)
	t.More, t.Doors = t.Doors[:1], t.Doors[1:]
}

func atOneAddress(t *Target) {
	form := [2]string{"username", "password"}
	t.Doors = []Door{{Path: "/?do=login", Form: form}, {Path: "/", Form: form}, {Path: "/?do=robots.txt", Form: form}}
	t.Pages = []string{"/", "/?do=login", "/?do=files", "/?do=api/entries", "/?do=robots.txt"}
	t.Queries = append(t.Queries, "do=login", "do=files", "do=missing")
}

func atPublicDoor(t *Target) {
	atOneAddress(t)
	t.More = []Door{{Path: "/static/style.css", Form: t.Doors[0].Form}, {Path: "/static/missing", Form: t.Doors[0].Form}}
}

func withBasic(t *Target) {
	t.Headers = []string{"Authorization: " + basic("alice", "alice-password"), "Authorization: " + basic("carol", "carol-password")}
	t.Doors = []Door{{Path: "/", Basic: true}, {Path: "/files", Basic: true}, {Path: "/login", Form: [2]string{"username", "password"}}}
}

func withBasicInterface(t *Target) {
	withBasic(t)
	t.Doors = []Door{{Path: "/api/entries", Basic: true}, {Path: "/api/me", Basic: true}, t.Doors[2]}
	t.Pages = append(t.Pages, "/api/me")
}

func withBearer(t *Target) {
	t.Doors = t.Doors[1:]
	t.More = []Door{{Path: "/login", Form: [2]string{"username", "password"}}}
}

func withFront(t *Target) {
	t.Doors, t.Anybody, t.Listed = []Door{{Path: "/", Basic: true}}, true, true
	t.Headers = []string{"Authorization: " + basic("alice", "alice-password"), "Authorization: " + basic("carol", "carol-password"), "Authorization: " + basic(OwnName, OwnPassword)}
	t.More = []Door{{Path: "/login", Form: [2]string{"username", "password"}}}
}

func withHeader(lines ...string) func(*Target) {
	return func(t *Target) { t.Headers = append(t.Headers, lines...) }
}

func withOverride(t *Target) {
	t.Headers = append(t.Headers, "X-HTTP-Method-Override: POST", "X_HTTP_Method_Override: POST", "X-Original-URL: /login", "X_Rewrite_URL: /login",
		"Remote_User: alice", "X.Remote.User: alice", "X_Webauth_User: alice")
}

func withErrors(t *Target) {
	withBasic(t)
	t.Queries = append(t.Queries, "tap=break:1", "tap=deaf:100")
}

// withChoice lets the attacker choose how long the app's cookie lives, and for whom it is.
func withChoice(t *Target) {
	t.Queries = append(t.Queries, "cookie_for=-60", "cookie_for=0", "cookie_for=1", "cookie_for=600", "cookie_domain=other.example", "cookie_domain=localhost")
}

// withMoods makes the app sometimes not say who is signed in.
func withMoods(t *Target) {
	withChoice(t)
	t.Queries = append(t.Queries, "tap=deaf:60", "tap=deaf:150", "tap=hold:120", "tap=hold:250")
}

func withFill(t *Target) {
	t.Queries = append(t.Queries, "fill=30", "fill=35", "fill=40", "fill=34")
}
