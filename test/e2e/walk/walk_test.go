package walk

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/tap"
	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

// enrolledAccounts returns how many accounts with a factor the attacker has. Each has twenty codes, and one more every
// half minute.
func enrolledAccounts() int {
	if os.Getenv(Duration) != "" {
		return 3
	}
	return 1
}

// skew gives an authenticator twenty codes without waiting.
const skew = 10

// each is how long a variant is attacked in `make test`.
const each = time.Second

// common has the lines of every variant's block.
const common = `
public /static/*?* /favicon.ico?*
logout /logout
remember 1h
totp {
	skew 10
}
factors totp passkey sms
sms {
	address user
}
sending {
	delay 1ms
	hour  100
	day   100
}
throttle {
	free      20
	delay     1s
	max_delay 2s
}
`

// account makes an account. The app's name for it cannot be guessed.
func account(name string) (Account, demo.User) {
	called := name + "-" + strings.ToLower(rand.Text()[:12])
	made := Account{
		Typed: []string{name, strings.ToUpper(name), name + " "}, Password: name + "-password", Called: called, Markers: []string{called},
	}
	return made, demo.User{Login: called, Email: name, Password: made.Password}
}

// TestP1_Walk: an attacker has alice's password and accounts of her own, and does whatever she likes for a while (P1,
// P2, P4, P5). The app must never take her for alice, or for anybody else than the gateway does. All variants are sites
// of one process.
func TestP1_Walk(t *testing.T) {
	var stages []*stage
	sites, phones := "", site.NewTelephones(t)
	for number, v := range variants() {
		s := prepare(t, v, number, phones)
		stages = append(stages, s)
		sites += s.sites
	}
	site.Start(t, stages[0].upstream, "app walk\n"+formLogin+asked, site.Options{
		Level: "ERROR", Sites: sites, Sessions: sending(phones), Global: "skip_install_trust\nauto_https disable_redirects",
	})
	for _, s := range stages {
		t.Run(s.target.Name, func(t *testing.T) {
			t.Parallel()
			s.enrolAll(t)
			Run(t, s.target, each)
		})
	}
}

// sending are the lines of the global block with which text messages are sent.
func sending(phones *site.Telephones) string { return "sessions memory\n" + phones.Line() }

// stage is a variant with its running app and tap, before its site is started.
type stage struct {
	target    *Target
	mallories []Account
	// telephones are where text messages come.
	telephones *site.Telephones
	// upstream is the tap's address, plain that of the site on http, and sites the lines for the Caddyfile.
	upstream, plain, sites string
}

// prepare starts the app and the tap of a variant.
func prepare(t *testing.T, v variant, number int, phones *site.Telephones) *stage {
	t.Helper()
	var users []demo.User
	made := func(name string) Account {
		account, user := account(name)
		users = append(users, user)
		return account
	}
	target := &Target{
		Name: v.name, Secure: v.secure, Owner: made("alice"), Plain: made("carol"), Known: known[v.name], Raises: v.knobs.ElevateInPlace,
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
	if v.knobs.EmailField {
		target.Known = slices.Concat(target.Known, byAnotherField)
	}
	if v.shape != nil {
		v.shape(target)
	}
	s := &stage{target: target, telephones: phones}
	for i := range enrolledAccounts() {
		s.mallories = append(s.mallories, made(fmt.Sprintf("mallory%d", i)))
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
	s.upstream = site.Serve(t, target.Tap)
	s.plain = freeAddress(t)
	target.Address = s.plain
	lines := fmt.Sprintf("second_factor {\napp walk-%d\n%s%s}\nreverse_proxy %s\n}\n", number, common, v.block, s.upstream)
	if v.front {
		lines = basicAuth(t, target, s.mallories) + lines
	}
	if v.errors {
		lines = "handle_errors {\nreverse_proxy " + s.upstream + "\n}\n" + lines
	}
	s.sites = "http://" + s.plain + " {\n" + lines
	if v.secure {
		// The https site shares secrets and sessions with the http one.
		target.Address = freeAddress(t)
		s.sites += "https://" + target.Address + " {\ntls internal\n" + lines
	}
	return s
}

// freeAddress is an address with a name, since there are no passkeys for addresses of numbers.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	return net.JoinHostPort("localhost", port)
}

// enrolAll sets up the factors of the owner and of the attacker's accounts, once the site is running.
func (s *stage) enrolAll(t *testing.T) {
	t.Helper()
	w := newWire(s.target.Address, s.target.Secure)
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := w.dial()
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not served: %v", s.target.Address, err)
		}
	}
	gateway := &site.Site{Address: s.plain, URL: "http://" + s.plain}
	s.enrol(t, gateway, s.target.Owner)
	for _, mallory := range s.mallories {
		s.target.Enrolled = append(s.target.Enrolled, s.enrol(t, gateway, mallory))
	}
}

// served returns the app, without a login of its own if Caddy asks for the password.
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

// enrol sets up factors for an account, by the usual door: an authenticator, a passkey and a telephone.
func (s *stage) enrol(t *testing.T, gateway *site.Site, account Account) *Enrolled {
	t.Helper()
	c := gateway.Client(t)
	for _, door := range s.target.Doors {
		enter(c, door, account)
		if strings.Contains(c.Status(), `"verified"`) {
			factor, codes := c.Enrol(skew)
			further := s.enrolFurther(t, c, factor, s.telephones.Number())
			made := &Enrolled{Account: account, Factor: NewFactor(factor.Key, skew), Recovery: codes, Further: further}
			made.Factor.last += 2 // a code for each of the others
			return made
		}
	}
	t.Fatalf("%s does not sign in: %s", account.Typed[0], c.Status())
	return nil
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

// basicAuth returns the lines of Caddy's own basic_auth, with all accounts.
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
