package walk

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sallyport/demo"
	"sallyport/e2e/process"
	"sallyport/e2e/site"
	"sallyport/e2e/tap"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

// enrolledAccounts is how many accounts with a factor the attacker has.
const enrolledAccounts = 2

// skew gives an authenticator twenty codes without waiting.
const skew = 10

// each is how long a variant is walked over in `make test`.
const each = time.Second

// common is what every variant's block has.
const common = `
app ledger
public /static/* /favicon.ico
logout /logout
remember 1h
totp {
	skew 10
}
`

// account makes one that signs in by the names typed, and that the app calls something that nobody can guess.
func account(name string) (Account, demo.User) {
	called := name + "-" + strings.ToLower(rand.Text()[:12])
	made := Account{
		Typed: []string{name, strings.ToUpper(name), name + " "}, Password: name + "-password", Called: called, Markers: []string{called},
	}
	return made, demo.User{Login: called, Email: name, Password: made.Password}
}

// TestP1_Walk: somebody has alice's password and accounts of her own, and does whatever she likes for a while (P1, P2, P4, P5). She
// is never alice to the app, nor anybody without the gateway's knowing.
func TestP1_Walk(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			target := start(t, v)
			target.Known = known[v.name]
			Run(t, target, each)
		})
	}
}

// start runs a variant: app, tap and gateway.
func start(t *testing.T, v variant) *Target {
	t.Helper()
	var users []demo.User
	made := func(name string) Account {
		account, user := account(name)
		users = append(users, user)
		return account
	}
	target := &Target{
		Name: v.name, Secure: v.secure, Owner: made("alice"), Plain: made("carol"),
		Doors: []Door{
			{Path: "/login", Form: [2]string{"username", "password"}},
			{Path: "/api/login", JSON: `{"user":{"name":%q,"password":%q}}`},
		},
		Pages:   []string{"/", "/login", "/api/entries", "/files"},
		Public:  []string{"/static/style.css"},
		Sockets: []string{"/ws"}, MarkerHeaders: []string{"X-Ledger-User", "X-Ledger-Admin"},
	}
	if !strings.Contains(v.block, "/api/login") {
		target.More = target.Doors[1:]
		target.Doors = target.Doors[:1]
	}
	if v.shape != nil {
		v.shape(target)
	}
	var mallories []Account
	for i := range enrolledAccounts {
		mallories = append(mallories, made(fmt.Sprintf("mallory%d", i)))
	}
	app := demo.New(demo.Options{Knobs: v.knobs, Users: users})
	t.Cleanup(app.Close)
	questions := []tap.Question{tap.JSON("app", "/api/me", "/login")}
	switch {
	case v.knobs.OneAddress:
		questions[0].Target = "/?do=api/me"
	case v.root:
		questions = append(questions, tap.JSON("root", "/whoami", "/login"))
	case v.admin:
		questions = append(questions, tap.JSON("admin", "/api/admin/me", "/login"))
	}
	questions[0].Guests = v.guests
	target.Tap = tap.New(site.Serve(t, served(v, app)), questions...)
	t.Cleanup(target.Tap.Close)
	through := site.Serve(t, target.Tap)
	options := site.Options{Level: "ERROR"}
	if v.front {
		options.Block = basicAuth(t, target, mallories)
	}
	if v.errors {
		options.Block += "handle_errors {\nreverse_proxy " + through + "\n}\n"
	}
	gateway := site.Start(t, through, common+v.block, options)
	target.Address = gateway.Address
	enrol(t, gateway, target, target.Owner)
	for _, mallory := range mallories {
		key, codes := enrol(t, gateway, target, mallory)
		target.Enrolled = append(target.Enrolled, &Enrolled{Account: mallory, Factor: NewFactor(key, skew), Recovery: codes})
	}
	if v.secure {
		target.Address = secureDoor(t, gateway)
	}
	return target
}

// served is the app, without a login of its own where another asks for the password.
func served(v variant, app http.Handler) http.Handler {
	if !v.front {
		return app
	}
	mux := http.NewServeMux()
	mux.Handle("/", app)
	mux.Handle("/login", http.NotFoundHandler())
	mux.Handle("/api/login", http.NotFoundHandler())
	return mux
}

// enrol sets up a factor for an account, by the usual door.
func enrol(t *testing.T, gateway *site.Site, target *Target, account Account) (key string, recovery []string) {
	t.Helper()
	c := gateway.Client(t)
	for _, door := range target.Doors {
		enter(c, door, account)
		if strings.Contains(c.Status(), `"verified"`) {
			factor, codes := c.Enrol(skew)
			return factor.Key, codes
		}
	}
	t.Fatalf("%s does not sign in: %s", account.Typed[0], c.Status())
	return "", nil
}

// enter signs in by a door.
func enter(c *site.Client, door Door, account Account) {
	switch {
	case door.Basic:
		c.Header = http.Header{"Authorization": {basic(account.Typed[0], account.Password)}}
		c.Get(door.Path)
	case door.JSON != "":
		c.PostJSON(door.Path, fmt.Sprintf(door.JSON, account.Typed[0], account.Password))
	default:
		values := url.Values{door.Form[0]: {account.Typed[0]}, door.Form[1]: {account.Password}}
		if door.Token != "" {
			values.Set(door.Token, field(door.Token, c.Get(door.Page).Text))
		}
		c.Post(door.Path, values)
	}
}

// basicAuth are the lines of Caddy's own basic_auth, with everybody.
func basicAuth(t *testing.T, target *Target, mallories []Account) string {
	t.Helper()
	lines := "basic_auth {\n"
	for _, account := range append([]Account{target.Owner, target.Plain}, mallories...) {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		lines += account.Typed[0] + " " + string(hash) + "\n"
	}
	return lines + "}\n"
}

// secureDoor adds the same site on https, with a certificate of Caddy's own making.
func secureDoor(t *testing.T, gateway *site.Site) (address string) {
	t.Helper()
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	caddyfile := gateway.Caddyfile()
	plain := caddyfile[strings.Index(caddyfile, gateway.URL+" {"):]
	secure := strings.Replace(plain, gateway.URL+" {", "https://"+address+" {\n\ttls internal", 1)
	caddyfile = strings.Replace(caddyfile, "\tpersist_config off", "\tpersist_config off\n\tskip_install_trust\n\tauto_https disable_redirects", 1)
	gateway.Write(caddyfile + secure)
	if err := gateway.Reload(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	w := newWire(address, true)
	for {
		conn, err := w.dial()
		if err == nil {
			_ = conn.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("no TLS at %s: %v", address, err)
		}
	}
}
