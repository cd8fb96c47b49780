//go:build allapps

package presets

import (
	"testing"
	"time"

	"sallyport/e2e/apps"
	"sallyport/e2e/browser"
	"sallyport/e2e/site"
)

// waitFor asks the page again and again.
func waitFor(t testing.TB, b *browser.Browser, what, condition string) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !browser.Evaluate[bool](b, condition); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: at %s: %.1500s", what, b.Location(), b.Page())
		}
	}
}

const (
	guardDialog = `!![...document.documentElement.children].find(e => e.shadowRoot && e.shadowRoot.querySelector("dialog[open] input[name=code]"))`
	// dashboard is PocketBase's page behind the login.
	dashboard = `!!document.querySelector(".app-sidebar") && location.hash.startsWith("#/collections")`
)

// TestPocketBaseInABrowser: the app's own page signs in by script and has a token, and knows nothing of a second factor: the guard asks
// for the code in a dialog, hands the app its answer, and the page works on, also with a renewed token and after a reload.
func TestPocketBaseInABrowser(t *testing.T) {
	t.Parallel()
	app := apps.StartPocketBase(t)
	s := site.Start(t, app.Address, "app pocketbase\n\t\tpreset pocketbase\n\t\ttotp {\n\t\t\tskew 10\n\t\t}", site.Options{})
	owner := s.Client(t)
	issued(t, owner.Do("POST", "/api/collections/_superusers/auth-with-password", asScript,
		`{"identity":"`+apps.Alice.Email+`","password":"`+apps.Alice.Password+`"}`))
	factor, _ := owner.Enrol(10)

	b := browser.New(t, browser.Options{})
	b.Goto(s.URL + "/_/")
	b.Fill("input[type=email]", apps.Alice.Email)
	b.Fill("input[type=password]", apps.Alice.Password)
	b.Click("button[type=submit]")
	waitFor(t, b, "no dialog asks for the code", guardDialog)
	if browser.Evaluate[bool](b, dashboard) || browser.Evaluate[int](b, "Object.values(localStorage).join().indexOf('eyJ')") >= 0 {
		t.Fatal("the page has its token before the code")
	}
	b.Press("000000")
	waitFor(t, b, "a wrong code is no alert", `[...document.documentElement.children].some(e => e.shadowRoot && e.shadowRoot.querySelector("[role=alert]").textContent !== "")`)
	b.Press(factor.Code(t))
	waitFor(t, b, "the dashboard does not open", dashboard)
	token := browser.Evaluate[string](b, "JSON.parse(Object.values(localStorage).find(v => v.includes('eyJ'))).token")

	renewed := `(async () => {
		const entry = Object.entries(localStorage).find(([, v]) => v.includes("eyJ")), stored = JSON.parse(entry[1]);
		await new Promise(done => setTimeout(done, 1100)); // its tokens differ from second to second
		const answer = await (await fetch("/api/collections/_superusers/auth-refresh", { method: "POST", headers: { Authorization: stored.token } })).json();
		stored.token = answer.token;
		localStorage.setItem(entry[0], JSON.stringify(stored));
		window.renewed = answer.token;
	})(), true`
	browser.Evaluate[bool](b, renewed)
	waitFor(t, b, "the token is not renewed", "!!window.renewed")
	if browser.Evaluate[string](b, "window.renewed") == token {
		t.Error("the token is the same as before: the test shows nothing")
	}
	b.Reload()
	waitFor(t, b, "the dashboard does not open with a renewed token", dashboard)
	waitFor(t, b, "the dashboard is empty", `document.body.innerText.includes("users")`)
}
