package passkeys

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// block is what the Caddyfile says of the demo app.
const block = `
		app ledger
		login /login {
			username form username
		}
		identity /api/me json /login
		logout /logout
		public /static/* /favicon.ico
		renews
		totp {
			skew 10
		}
`

// start starts the demo app, and a gateway that browsers call localhost.
func start(t *testing.T, more string) *site.Site {
	t.Helper()
	app := demo.New(demo.Options{})
	t.Cleanup(app.Close)
	return site.Start(t, site.Serve(t, app), block+more, site.Options{Host: "localhost"})
}

// person is alice with a browser.
type person struct {
	*browser.Browser
	t    *testing.T
	site *site.Site
}

func newPerson(t *testing.T, s *site.Site) *person {
	t.Helper()
	return &person{browser.New(t, browser.Options{}), t, s}
}

func (p *person) at(path string) {
	p.t.Helper()
	p.WaitPath(path)
}

// signIn types the password, and is to arrive at a page.
func (p *person) signIn(path string) {
	p.t.Helper()
	p.Goto(p.site.URL + "/login")
	p.Fill("[name=username]", "alice")
	p.Fill("[name=password]", demo.AlicePassword)
	p.Follow("form[action='/login'] button")
	p.at(path)
}

// signOut ends the session on the settings page.
func (p *person) signOut() {
	p.t.Helper()
	p.Goto(p.site.URL + "/second-factor/")
	p.Follow("form[action$='/logout'] button")
}

// TestPasskeyInChromium: alice sets a passkey up in place of an app, signs in with it, adds a security key with the
// first for a proof, renames that, signs in with it alone, removes the first, and disables all of it.
func TestPasskeyInChromium(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	p := newPerson(t, s)
	built := p.Built()
	p.signIn("/")
	p.Goto(s.URL + "/second-factor/")
	p.Follow("#open-setup")
	p.at("/second-factor/setup")
	if !p.Visible("#qr") {
		t.Error("the set-up does not begin with the QR code")
	}
	p.Follow(".instead button")
	p.WaitVisible("#add-passkey")
	p.Accessible("the set-up of a passkey")
	p.Fill("#name", "Laptop")
	p.Click("#add-passkey")
	p.at("/second-factor/recovery-codes")
	if !strings.Contains(p.Text("[role=status]"), "Two-factor authentication is enabled") || built.Passkeys() != 1 {
		t.Errorf("%q, %d passkeys", p.Text("[role=status]"), built.Passkeys())
	}
	p.Goto(s.URL + "/second-factor/")
	if line := p.Text("[data-kind=passkey]"); !strings.Contains(line, "Laptop") || !strings.Contains(line, "synced") || p.Attribute("[data-kind=passkey]", "data-synced") != "true" {
		t.Errorf("the line says %q", line)
	}
	p.Accessible("the settings page")
	p.signOut()

	p.signIn("/second-factor/challenge")
	p.WaitVisible("#way[data-kind=passkey] #use-passkey")
	p.Accessible("the challenge")
	p.Click("#use-passkey")
	p.at("/")

	// The first is the proof for the second.
	p.Goto(s.URL + "/second-factor/")
	p.Follow("#open-add-passkey")
	p.WaitVisible("#use-passkey")
	p.Accessible("the confirmation")
	p.Click("#use-passkey")
	p.at("/second-factor/setup")
	built.Unplug()
	key := p.Key()
	p.WaitVisible("#add-passkey")
	p.Click("#add-passkey")
	p.at("/second-factor/")
	p.WaitVisible("[data-kind=passkey][data-synced=false]")
	p.signOut()

	p.signIn("/second-factor/challenge")
	p.Click("#use-passkey")
	p.at("/")
	p.Goto(s.URL + "/second-factor/")
	p.Follow("[data-synced=false] button[id^=rename]")
	p.WaitVisible("#use-passkey")
	p.Fill("#name", "Blue key")
	p.Click("#use-passkey")
	p.at("/second-factor/")
	p.WaitVisible("[role=status]")
	if line := p.Text("[data-synced=false]"); !strings.Contains(line, "Blue key") || !strings.Contains(line, "this device only") {
		t.Errorf("the line says %q", line)
	}
	p.Follow("[data-synced=true] button[id^=remove]")
	p.WaitVisible("#use-passkey")
	p.Click("#use-passkey")
	p.at("/second-factor/")
	p.WaitGone("[data-synced=true]")
	p.Follow("#open-disable")
	p.WaitVisible("#use-passkey")
	p.Click("#use-passkey")
	p.WaitVisible("#open-setup")
	if key.Passkeys() > 1 {
		t.Errorf("%d passkeys on the key", key.Passkeys())
	}
	for _, problem := range p.Problems() {
		if !strings.Contains(problem, "favicon") {
			t.Errorf("the console: %s", problem)
		}
	}
}

// TestTwoWaysInChromium: with an authenticator and a passkey, the challenge shows what worked last, and the other way
// behind it, also for who has the device not at hand.
func TestTwoWaysInChromium(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	p := newPerson(t, s)
	device := p.Built()
	code := p.withBoth()

	p.signIn("/second-factor/challenge")
	p.WaitVisible("#way[data-kind=passkey]")
	p.Follow("#ways a[data-kind=totp]")
	p.FillThrough("[name=code]", code(-1))
	p.at("/")
	p.signOut()
	p.signIn("/second-factor/challenge")
	p.WaitVisible("#way[data-kind=totp]")
	p.Follow("#ways a[data-kind=passkey]")
	device.Unplug()
	p.Key() // another one, with no passkey on it
	p.Click("#use-passkey")
	p.Until("the button to say that the device is waited for", `document.getElementById("use-passkey").disabled`)
	// A browser does not tell the page that a device lacks the passkey: the user goes another way meanwhile.
	p.Follow("#ways a[data-kind=totp]")
	p.FillThrough("[name=code]", code(0))
	p.at("/")
}

// TestPasskeysWithoutScripts: without scripts the pages say so, and offer what can be used.
func TestPasskeysWithoutScripts(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	p := newPerson(t, s)
	p.Built()
	p.signIn("/")
	p.Goto(s.URL + "/second-factor/")
	p.Follow("#open-setup")
	p.Follow(".instead button")
	p.WaitVisible("#add-passkey")
	p.Click("#add-passkey")
	p.at("/second-factor/recovery-codes")
	p.signOut()
	p.Scripts(false)
	p.signIn("/second-factor/challenge")
	if p.Visible("#use-passkey") || !p.Visible("noscript") || !p.Visible("a[href$='/recovery']") {
		t.Errorf("the page is\n%s", p.Page())
	}
}
