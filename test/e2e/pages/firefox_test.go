package pages

import (
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/test/e2e/firefox"
)

// foxFlow is a flow in Firefox.
type foxFlow struct {
	*flow
	fox *firefox.Firefox
}

func newFoxFlow(t *testing.T, options firefox.Options, change func(*gateway.Config, *factor.Config)) *foxFlow {
	t.Helper()
	return &foxFlow{newUnseenFlow(t, change), firefox.New(t, options)}
}

func (f *foxFlow) at(path string) {
	f.t.Helper()
	if got := f.fox.Path(); got != path {
		f.t.Fatalf("the browser is at %s, want %s\n%s", got, path, f.fox.Page())
	}
}

func (f *foxFlow) says(words string) {
	f.t.Helper()
	if !strings.Contains(f.fox.Page(), words) {
		f.t.Errorf("the page does not say %q:\n%s", words, f.fox.Page())
	}
}

func (f *foxFlow) signIn(path string) {
	f.t.Helper()
	f.fox.Goto(f.url + "/login")
	f.fox.Fill("[name=username]", "alice")
	f.fox.Fill("[name=password]", demo.AlicePassword)
	f.fox.Follow("form[action='/login'] button")
	f.at(path)
}

func (f *foxFlow) leave() {
	f.t.Helper()
	f.fox.Goto(f.url + "/second-factor/")
	f.fox.Follow("header button")
	f.at("/login")
}

// quiet fails the test if the console shows an error of the gateway's pages. It ignores the demo app's WebSocket, which
// does not get through the proxy of these tests.
func (f *foxFlow) quiet() {
	f.t.Helper()
	for _, problem := range f.fox.Problems() {
		if !strings.Contains(problem, "ws://") {
			f.t.Errorf("the console: %s", problem)
		}
	}
}

// confirm types the code of the token that is shown, and checks that the next page has the message.
func (f *foxFlow) confirm(path, message string) {
	f.t.Helper()
	f.fox.WaitVisible("#qr")
	f.key = firefox.Evaluate[string](f.fox, `document.getElementById("secret").textContent`)
	f.fox.Fill("[name=code]", f.code(0))
	f.fox.Follow("=Confirm")
	f.at(path)
	f.says(message)
}

// TestFirefoxFlows tests the three flows by their exact labels, and what is shown between them, in light colours on a
// desktop and in dark colours on a telephone.
func TestFirefoxFlows(t *testing.T) {
	for name, options := range map[string]firefox.Options{"desk": {}, "telephone": {Width: 390, Dark: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFoxFlow(t, options, nil)
			f.signIn("/")
			f.fox.Goto(f.url + "/second-factor/")
			f.fox.Screenshot("off")
			f.fox.Follow("=Set up Two-Factor Authentication")
			f.fox.Screenshot("set-up")
			f.confirm("/second-factor/recovery-codes", "Two-factor authentication is enabled")
			f.fox.Screenshot("codes")
			f.fox.Click("#saved")
			f.fox.Follow("=I have saved them")
			f.at("/second-factor/")
			f.fox.Screenshot("on")

			first := f.key
			f.next()
			f.fox.Follow("=Reset Token")
			if !f.fox.Visible("dialog:modal") {
				t.Error("the confirmation is no dialog")
			}
			f.fox.Screenshot("reset")
			f.fox.Fill("[name=code]", f.code(0))
			f.fox.Follow("=Reset")
			f.next()
			f.confirm("/second-factor/", "Your new token is in use")
			if f.key == first {
				t.Error("the token is the same")
			}

			f.next()
			f.fox.Follow("=Disable Two-Factor Authentication")
			f.fox.Press(firefox.Escape)
			f.fox.Until("waiting for the dialog to close", `!document.querySelector("dialog") && location.pathname === "/second-factor/"`)
			f.fox.Follow("=Disable Two-Factor Authentication")
			f.fox.Screenshot("disable")
			f.fox.Fill("[name=code]", f.code(0))
			f.fox.Follow("=Disable")
			f.at("/second-factor/")
			if !f.fox.Visible("=Set up Two-Factor Authentication") {
				t.Errorf("the second factor is not disabled:\n%s", f.fox.Page())
			}
			f.leave()
			f.signIn("/")
			f.quiet()
		})
	}
}

// TestFirefoxChallenge: codes, wrong or right, are sent as soon as they are complete, and a trusted browser answers
// with its key.
func TestFirefoxChallenge(t *testing.T) {
	f := newFoxFlow(t, firefox.Options{Width: 390}, func(_ *gateway.Config, c *factor.Config) { c.Remember = 30 * 24 * time.Hour })
	f.signIn("/")
	f.fox.Goto(f.url + "/second-factor/")
	f.fox.Follow("=Set up Two-Factor Authentication")
	f.confirm("/second-factor/recovery-codes", "Two-factor authentication is enabled")
	f.leave()
	f.next()
	f.signIn("/second-factor/challenge")
	if got := firefox.Evaluate[string](f.fox, "document.activeElement.name"); got != "code" {
		t.Errorf("the focus is in %q", got)
	}
	f.fox.FillThrough("[name=code]", "000000")
	f.at("/second-factor/challenge")
	if got := f.fox.Text("[role=alert]"); !strings.HasPrefix(got, "That code is wrong") {
		t.Errorf("the alert says %q", got)
	}
	f.fox.Screenshot("wrong")
	code := f.code(0)
	f.fox.FillThrough("[name=code]", code[:3]+" "+code[3:])
	f.at("/second-factor/trust")
	f.fox.Screenshot("trust")
	f.fox.Follow("=Yes, trust it")
	f.at("/")
	f.leave()
	f.next()
	f.fox.Goto(f.url + "/login")
	f.fox.Fill("[name=username]", "alice")
	f.fox.Fill("[name=password]", demo.AlicePassword)
	f.fox.Click("form[action='/login'] button")
	f.fox.Until("waiting until the browser has proved itself", `location.pathname === "/" && document.readyState === "complete"`)
	f.quiet()
}

// TestFirefoxGuard tests the guard's dialog over a page without head and body tags, behind the real gateway.
func TestFirefoxGuard(t *testing.T) {
	f := newFoxFlow(t, firefox.Options{}, func(c *gateway.Config, _ *factor.Config) {
		c.Guard, c.SettingsLink, c.SettingsLinkInto = true, true, "header nav"
	})
	f.signIn("/")
	if got := firefox.Evaluate[string](f.fox, `document.querySelector("header nav").lastElementChild.textContent`); got != "Two-factor authentication settings" {
		t.Errorf("the navigation ends with %q", got)
	}
	f.fox.Goto(f.url + "/second-factor/")
	f.fox.Follow("=Set up Two-Factor Authentication")
	f.confirm("/second-factor/recovery-codes", "Two-factor authentication is enabled")
	f.leave()
	f.next()
	f.signIn("/second-factor/challenge")
	f.fox.Goto(f.url + "/static/bare")
	f.fox.Until("waiting for the dialog", dialogRoot+"?.activeElement")
	f.fox.Press("000000")
	f.fox.Until("waiting for the alert", dialogRoot+`.querySelector("[role=alert]").innerText.startsWith("That code is wrong")`)
	f.fox.Until("waiting for the button", dialogRoot+`.querySelector(".main").innerText === "Verify"`)
	f.fox.Screenshot("wrong")
	f.fox.Press(f.code(0))
	if got := firefox.Evaluate[string](f.fox, "answer"); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "alice") {
		t.Errorf("the page's script gets %s", got)
	}
}

// TestFirefoxGuardDialog tests the guard's dialog under the strictest policies, by the keyboard alone, cancelled, and
// with the question whether to trust the browser.
func TestFirefoxGuardDialog(t *testing.T) {
	g := newGuarded(t)
	g.remember = 30 * 24 * time.Hour
	fox := firefox.New(t, firefox.Options{Width: 390, Dark: true})
	const login = `window.result = fetch("/api/login", {method: "POST", body: "password", headers: {"X-App": "1"}}).then(a => a.text().then(b => a.status + b))`
	for _, path := range []string{"/app", "/strict"} {
		open := func() {
			t.Helper()
			fox.Goto(g.URL + path)
			g.set("anonymous")
			firefox.Evaluate[bool](fox, `(`+login+`, true)`)
			fox.Until("waiting for the dialog", dialogRoot+"?.activeElement")
		}
		open()
		seen := ""
		for range 5 {
			seen += firefox.Evaluate[string](fox, `(at => (at ? at.id || at.textContent : "outside") + "; ")(`+dialogRoot+`.activeElement)`)
			fox.Press(firefox.Tab)
		}
		if seen != "c; Verify; Cancel; Use a recovery code instead; c; " {
			t.Errorf("%s: the focus goes to %s", path, seen)
		}
		fox.Press(firefox.Escape)
		if got := firefox.Evaluate[string](fox, "result"); !strings.HasPrefix(got, "401") {
			t.Errorf("%s: given up, the app gets %s", path, got)
		}
		open()
		fox.Press("123456")
		fox.Until("waiting for the question", dialogRoot+`?.querySelector("h2").innerText === "Trust this browser for 30 days?"`)
		fox.Screenshot(strings.Trim(path, "/") + "-trust")
		fox.Press(firefox.Tab + firefox.Enter)
		if got := firefox.Evaluate[string](fox, "result"); got != `200{"token":"secret"}` {
			t.Errorf("%s: the app gets %s", path, got)
		}
		if got := strings.Join(g.requests(), "\n"); !strings.Contains(got, `"trust":"yes"`) || !strings.Contains(got, `"proof":"`) {
			t.Errorf("%s: the requests about trust:\n%s", path, got)
		}
	}
}

// TestFirefoxGuardAtOnce tests a synchronous call, which stops the page until it is answered.
func TestFirefoxGuardAtOnce(t *testing.T) {
	g := newGuarded(t)
	fox := firefox.New(t, firefox.Options{})
	fox.Goto(g.URL + "/app")
	firefox.Evaluate[bool](fox, `(setTimeout(() => {
		const request = new XMLHttpRequest();
		request.open("POST", "/api/login", false);
		request.send("password");
		window.result = request.status + request.responseText;
	}), true)`)
	if got := fox.Prompt("000000"); !strings.HasPrefix(got, "Enter your code") || !strings.Contains(got, "ada") {
		t.Errorf("it asks %q", got)
	}
	if got := fox.Prompt("123456"); !strings.HasPrefix(got, "That code is wrong.") {
		t.Errorf("after a wrong code it asks %q", got)
	}
	fox.Until("waiting for the answer", "window.result")
	if got := firefox.Evaluate[string](fox, "result"); got != `200{"token":"secret"}` {
		t.Errorf("the app gets %s", got)
	}
}
