package passkeys

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
)

// dialog is the root of the guard's dialog in the app's page.
const dialog = `document.documentElement.lastElementChild.shadowRoot`

// guarded is a site whose app signs in by script, too.
const guarded = `
		guard
		login /api/login {
			username json /user/name
		}
`

// withBoth sets up an authenticator and a passkey in the browser, signs out, and returns what gives codes: one for each
// step of half a minute from now, each of which is good once.
func (p *person) withBoth() (code func(step int) string) {
	p.t.Helper()
	p.signIn("/")
	p.Goto(p.site.URL + "/second-factor/")
	p.Follow("#open-setup")
	secret := p.Text("#secret")
	code = func(step int) string {
		p.t.Helper()
		made, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(step)*30*time.Second))
		if err != nil {
			p.t.Fatal(err)
		}
		return made
	}
	p.Fill("[name=code]", code(-3))
	p.Follow("[action$='/setup/confirm'] .main")
	p.at("/second-factor/recovery-codes")
	p.Goto(p.site.URL + "/second-factor/")
	p.Follow("#open-add-passkey")
	p.Fill("[name=code]", code(-2))
	p.Follow("#change .main")
	p.at("/second-factor/setup")
	p.WaitVisible("#add-passkey")
	p.Click("#add-passkey")
	p.at("/second-factor/")
	p.signOut()
	return code
}

// calls has the app's page sign in by script, up to the dialog.
func (p *person) calls() {
	p.t.Helper()
	p.Goto(p.site.URL + "/login")
	browser.Evaluate[bool](p.Browser, `window.result = fetch("/api/login", {method: "POST", headers: {"Content-Type": "application/json"},
		body: JSON.stringify({user: {name: "alice", password: "`+demo.AlicePassword+`"}})}).then(a => a.text().then(b => a.status + " " + b)), true`)
	p.Until("the dialog", dialog+`.activeElement`)
}

// presses presses a button of the dialog with these words.
func (p *person) presses(words string) {
	p.t.Helper()
	p.Until("the button "+words, `[...`+dialog+`.querySelectorAll("button")].some(one => one.textContent === "`+words+`" && !one.disabled)`)
	browser.Evaluate[bool](p.Browser, `[...`+dialog+`.querySelectorAll("button")].find(one => one.textContent === "`+words+`").click(), true`)
}

// isIn waits until the app's script has its answer.
func (p *person) isIn() {
	p.t.Helper()
	if got := browser.Await[string](p.Browser, "result"); !strings.HasPrefix(got, "200 ") {
		p.t.Errorf("the app's script gets %s", got)
	}
	if got := browser.Await[string](p.Browser, `fetch("/api/me").then(a => a.text())`); !strings.Contains(got, "alice") {
		p.t.Errorf("the app says %s", got)
	}
	p.Until("no dialog", `!`+dialog)
}

// TestGuardInChromium: the dialog offers what the challenge offers. A passkey is used in the app's own page; who
// has not got the device at hand goes another way from there, also while the browser still waits for it.
func TestGuardInChromium(t *testing.T) {
	t.Parallel()
	s := start(t, guarded)
	p := newPerson(t, s)
	device := p.Built()
	code := p.withBoth()

	p.calls()
	if got := browser.Evaluate[string](p.Browser, dialog+`.activeElement.textContent`); got != "Use passkey" {
		t.Errorf("the focus is on %q", got)
	}
	p.Accessible("the dialog that asks for a passkey")
	p.presses("Use passkey")
	p.isIn()
	p.signOut()

	device.Unplug()
	p.Key() // with no passkey on it
	p.calls()
	p.presses("Use passkey")
	p.Until("the button to say that the device is waited for", dialog+`.querySelector(".main").disabled`)
	p.presses("Code from your authenticator app")
	p.Until("the field", dialog+`.activeElement.id === "c"`)
	p.Press(code(-1))
	p.isIn()
	p.signOut()

	p.calls()
	p.presses("Passkey or security key")
	p.presses("Use passkey")
	p.presses("Cancel")
	if got := browser.Await[string](p.Browser, "result"); !strings.HasPrefix(got, "401 ") || !strings.Contains(got, `"methods":["totp","passkey","recovery"]`) {
		t.Errorf("who cancels gets %s", got)
	}
}

// TestGuardWherePasskeysAreForbidden: an app whose pages may use no passkey (Permissions-Policy) has the dialog lead to
// the challenge's page, which may.
func TestGuardWherePasskeysAreForbidden(t *testing.T) {
	t.Parallel()
	s := start(t, guarded)
	p := newPerson(t, s)
	p.Built()
	p.withBoth()
	p.calls()
	browser.Evaluate[bool](p.Browser, `document.featurePolicy.allowsFeature = () => false, true`)
	p.presses("Use passkey")
	p.at("/second-factor/challenge?kind=passkey")
	p.WaitVisible("#way[data-kind=passkey]")
	p.Click("#use-passkey")
	p.Until("the app", `!location.pathname.startsWith("/second-factor")`)
}
