package pages

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// bare is a page without `<head>`, `<body>` and optional end tags. Its script calls the app at once.
const bare = `<!doctype html><link rel=icon href=data:,><title>Bare</title>
<script>window.early = window.fetch.guarded === true; window.answer = fetch("/api/me").then(a => a.text().then(b => a.status + " " + b))</script>
<p id=hi>hi<p>there`

// withBare adds the bare page to an app, and the same text for scripts to fetch.
func withBare(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/static/bare" {
			app.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, bare)
	})
}

// TestFlowBare: a page without optional tags gets the guard before its scripts, and the link at its end. A script that
// fetches the same text gets it unchanged.
func TestFlowBare(t *testing.T) {
	f := newFlow(t, driver.Options{Width: 390}, func(c *gateway.Config, _ *factor.Config) { c.Guard, c.SettingsLink = true, true })
	f.signIn("/")
	f.enrol()
	f.leave()
	f.next()
	f.signIn("/second-factor/challenge")
	f.Goto(f.url + "/static/bare")
	f.Until("waiting for the dialog", `document.documentElement.lastElementChild.shadowRoot?.activeElement`)
	f.Press(f.code(0))
	if got := driver.Await[string](f.Browser, "answer"); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "alice") {
		t.Errorf("the page's script gets %s", got)
	}
	got := driver.Evaluate[string](f.Browser, `[early, document.head.firstElementChild.src.endsWith("/guard.js"), document.compatMode, document.body.firstElementChild.id].join()`)
	if got != "true,true,CSS1Compat,hi" {
		t.Errorf("the guard is in front, the first in the head, of a page that is read as before: %s", got)
	}
	f.Goto(f.url + "/static/bare")
	if !f.Visible(driver.Link("Two-factor authentication settings")) {
		t.Errorf("no link:\n%s", f.Page())
	}
	f.Screenshot("bare")
	if got := driver.Await[string](f.Browser, `fetch("/static/bare", {headers: {Accept: "text/html"}}).then(a => a.text())`); got != bare {
		t.Errorf("a script gets %s", got)
	}
	f.Follow(driver.Link("Two-factor authentication settings"))
	f.at("/second-factor/")
}

// TestFlowTrustInDialog: the dialog asks whether to trust the browser. In a trusted browser the next sign-in by script
// asks for nothing, because the browser's key answers.
func TestFlowTrustInDialog(t *testing.T) {
	f := newFlow(t, driver.Options{}, func(c *gateway.Config, factors *factor.Config) {
		c.Guard, factors.Remember = true, 30*24*time.Hour
	})
	f.signIn("/")
	f.enrol()
	f.leave()
	const dialog = `document.documentElement.lastElementChild.shadowRoot`
	f.next()
	f.signIn("/second-factor/challenge")
	f.Goto(f.url + "/static/bare")
	f.Until("waiting for the dialog", dialog+`?.activeElement`)
	f.Press(f.code(0))
	f.Until("waiting for the question", dialog+`?.querySelector("h2").innerText === "Trust this browser for 30 days?"`)
	f.Press("\t\r")
	if got := driver.Await[string](f.Browser, "answer"); !strings.HasPrefix(got, "200 ") {
		t.Errorf("the page's script gets %s", got)
	}
	f.Goto(f.url + "/second-factor/")
	if !f.Visible("[action$='/browsers']") {
		t.Fatalf("the browser is not trusted:\n%s", f.Page())
	}
	f.leave()
	f.next()
	f.Goto(f.url + "/static/bare")
	got := driver.Await[string](f.Browser, `(async () => {
		const csrf = (await (await fetch("/login")).text()).match(/name="csrf" value="([^"]+)/)[1];
		const login = await fetch("/login", {method: "POST", body: new URLSearchParams({csrf, username: "alice", password: "`+demo.AlicePassword+`"})});
		const me = await fetch("/api/me");
		return [login.ok || login.type, me.status, !!document.querySelector("dialog"), document.documentElement.lastElementChild.tagName].join();
	})()`)
	if got != "true,200,false,BODY" {
		t.Errorf("a trusted browser: %s", got)
	}
}

// TestFlowSettingsLink: the link is at the end of the page with suitable margins, or where the operator wants it, if
// the page has that element.
func TestFlowSettingsLink(t *testing.T) {
	const link = `[...document.querySelectorAll("a")].find(a => a.textContent === "Two-factor authentication settings")`
	for _, test := range []struct {
		name, into, want string
	}{
		{"end", "", `[a.parentNode.parentNode.parentNode.tagName, box.left >= 16 && innerWidth - box.right >= 16, Math.abs(box.left - (innerWidth - box.right)) < 3].join() === "BODY,true,true"`},
		{"nothing", "#no-such-thing", `[a.parentNode.parentNode.parentNode.tagName, box.left >= 16].join() === "BODY,true"`},
		{"invalid", "nav:no-such-thing", `a.parentNode.parentNode.parentNode.tagName === "BODY"`},
		{"nav", "header nav", `[a.parentNode.tagName, a.parentNode.lastElementChild === a, getComputedStyle(a).fontSize === getComputedStyle(a.parentNode.firstElementChild).fontSize].join() === "NAV,true,true"`},
	} {
		for _, width := range []int64{390, 1280} {
			f := newFlow(t, driver.Options{Width: width, Dark: width == 390}, func(c *gateway.Config, _ *factor.Config) { c.SettingsLink, c.SettingsLinkInto = true, test.into })
			f.signIn("/")
			if !driver.Evaluate[bool](f.Browser, `(() => { const a = `+link+`, box = a.getBoundingClientRect(); return `+test.want+`; })()`) {
				t.Errorf("%s, %d: the link is elsewhere: %s", test.name, width, driver.Evaluate[string](f.Browser, link+`.parentNode.parentNode.outerHTML`))
			}
			f.Accessible("link-" + test.name)
			f.Screenshot(test.name + map[int64]string{390: "-390", 1280: "-1280"}[width])
			if test.into == "header nav" {
				// The app replaces its navigation.
				driver.Evaluate[bool](f.Browser, `(document.querySelector("nav").replaceWith(document.createElement("nav")), true)`)
				f.Until("waiting for the link in the new navigation", `document.querySelector("nav a")`)
			}
			f.Follow(driver.Link("Two-factor authentication settings"))
			f.at("/second-factor/")
		}
	}
}
