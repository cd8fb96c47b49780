//go:build allapps

package presets

import (
	"strconv"
	"testing"

	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// walker is the owner in front of an app with a browser and a phone.
type walker struct {
	*browser.Browser
	*protected
	t      *testing.T
	factor *site.Authenticator
}

// startWalk runs the app behind a gateway. The owner has set up a factor.
func startWalk(t *testing.T, a app) *walker {
	t.Helper()
	running := a.start(t)
	s := site.Start(t, running.Address, "app "+a.preset+"\n\t\tpreset "+a.preset+"\n\t\ttotp {\n\t\t\tskew 10\n\t\t}\n"+a.more, site.Options{})
	p := &protected{Site: s, app: a}
	owner := s.Client(t)
	p.signIn(t, owner, p.owner)
	p.wantsState(t, owner, "verified", p.owner.Name)
	factor, _ := owner.Enrol(10)
	return &walker{Browser: browser.New(t, browser.Options{}), protected: p, t: t, factor: factor}
}

// Evaluate runs a script in the page for what it does.
func (w *walker) Evaluate(script string) {
	w.t.Helper()
	browser.Evaluate[bool](w.Browser, "("+script+", true)")
}

// leadTo opens an address of the site again. It is for pages that consist of scripts, which may go on to another
// address before they are loaded.
func (w *walker) leadTo(path string) {
	w.t.Helper()
	w.Evaluate("window.left = true, location.pathname === " + strconv.Quote(path) + " ? location.reload() : location.assign(" + strconv.Quote(path) + ")")
	w.Until("the page before stays", "window.left !== true")
}

// is asks the page once.
func (w *walker) is(condition string) bool {
	w.t.Helper()
	return browser.Evaluate[bool](w.Browser, "!!("+condition+")")
}

// wantsOurState checks the state of the browser's session. It asks from a page of the gateway's own, which has no
// guard.
func (w *walker) wantsOurState(state string) {
	w.t.Helper()
	if got := browser.Await[string](w.Browser, `fetch("/second-factor/status").then(a => a.json()).then(a => a.state)`); got != state {
		w.t.Fatalf("the session is %s, want %s", got, state)
	}
}

// holdsNothing checks that the browser has no session cookie of the app's.
func (w *walker) holdsNothing() {
	w.t.Helper()
	for _, cookie := range w.Cookies() {
		if w.sessions != nil && w.sessions.MatchString(cookie.Name) {
			w.t.Errorf("the browser holds the app's %s", cookie.Name)
		}
	}
}

// Expressions for the guard's dialog, and for the app's part of the page.
const (
	guardRoot   = `[...document.documentElement.children].map(e => e.shadowRoot).find(r => r && r.querySelector("dialog[open] input[name=code]"))`
	guardDialog = `!!` + guardRoot
	guardAlert  = guardRoot + `?.querySelector("[role=alert]").textContent`
)

// passGuard waits for the guard's dialog, types a wrong code and then the right one. Before that, nothing of the app's
// inside may be shown.
func (w *walker) passGuard(inside string) {
	w.t.Helper()
	w.Until("no dialog asks for the code", guardDialog)
	w.Screenshot("dialog")
	w.wantsOurState("pending")
	closed := func(when string) {
		w.t.Helper()
		if w.is(inside) || w.is(`JSON.stringify({...localStorage, ...sessionStorage}).includes("eyJ")`) || w.is(`JSON.stringify({...localStorage}).includes("access_token")`) {
			w.t.Fatalf("the app is open %s", when)
		}
		w.holdsNothing()
	}
	closed("before the code")
	w.Press("000000")
	w.Until("a wrong code is no alert", guardAlert)
	w.Screenshot("dialog-wrong")
	closed("after a wrong code")
	w.Press(w.factor.Code(w.t))
	w.Until("the app does not go on", inside)
	w.wantsOurState("verified")
	w.holdsNothing()
}

// passChallenge does the same on the gateway's own page.
func (w *walker) passChallenge() {
	w.t.Helper()
	if got := w.Path(); got != challenge {
		w.t.Fatalf("the browser is at %s: %.1500s", got, w.Page())
	}
	w.holdsNothing()
	w.Screenshot("challenge")
	w.FillThrough("[name=code]", "000000")
	if got := w.Path(); got != challenge {
		w.t.Fatalf("a wrong code leads to %s: %.1500s", got, w.Page())
	}
	w.Text("[role=alert]")
	w.Screenshot("challenge-wrong")
	w.FillThrough("[name=code]", w.factor.Code(w.t))
	w.wantsOurState("verified")
	w.holdsNothing()
}
