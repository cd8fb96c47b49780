package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// enrolInBrowser sets up a second factor with what the page shows, and signs out.
func (v *viewer) enrolInBrowser() *site.Authenticator {
	v.t.Helper()
	v.Goto(v.url + "/second-factor/")
	v.press("Set up Two-Factor Authentication", "/second-factor/setup")
	phone := v.key()
	v.Fill("[name=code]", phone.Code(v.t))
	v.press("Confirm", "/second-factor/recovery-codes")
	v.press("Sign out", "/login")
	return phone
}

// trust signs alice in with a code, has this browser trusted, and signs out.
func (v *viewer) trust(phone *site.Authenticator) {
	v.t.Helper()
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/challenge")
	v.yes(phone)
	v.wantsPath("/")
	v.leave()
}

// yes types a code, and answers that this browser is to be trusted.
func (v *viewer) yes(phone *site.Authenticator) {
	v.t.Helper()
	v.FillThrough("[name=code]", phone.Code(v.t))
	v.wantsPath("/second-factor/trust")
	v.Follow(browser.Labelled("Yes, trust it"))
}

// leave signs out, from the settings page.
func (v *viewer) leave() {
	v.t.Helper()
	v.Goto(v.url + "/second-factor/")
	v.press("Sign out", "/login")
}

// getsIn signs alice in, and checks that no code is asked for.
func (v *viewer) getsIn() {
	v.t.Helper()
	v.signIn("alice", demo.AlicePassword)
	v.WaitPath("/")
}

// isAsked signs alice in, and checks that a code is asked for, even after the page's script has run.
func (v *viewer) isAsked() {
	v.t.Helper()
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/challenge")
	if scripts := browser.Evaluate[bool](v.Browser, "document.getElementById('proof').textContent !== ''"); scripts {
		v.settles()
	}
	v.wantsPath("/second-factor/challenge")
	v.Goto(v.url + "/")
	v.wantsPath("/second-factor/challenge")
}

// settles waits until the page's script has stopped trying to prove that the browser is trusted.
func (v *viewer) settles() {
	v.t.Helper()
	const settled = `new Promise(done => { const look = () => document.getElementById("proof").textContent ? setTimeout(look, 10) : done(true); look(); })`
	if !browser.Await[bool](v.Browser, settled) {
		v.t.Error("the script is still at it")
	}
}

// keys evaluates an expression over the browser's keys, and returns the resulting text.
func (v *viewer) keys(expression string) string {
	v.t.Helper()
	return browser.Await[string](v.Browser, `new Promise((done, failed) => {
		const opening = indexedDB.open("sallyport", 1);
		opening.onerror = failed;
		opening.onsuccess = () => {
			const all = opening.result.transaction("keys", "readwrite").objectStore("keys"), asked = all.getAll();
			asked.onsuccess = async () => { const keys = asked.result; done(String(await (`+expression+`))); opening.result.close(); };
		};
	})`)
}

// TestPages_TrustedBrowser: the question comes after the code, so that a user who types from top to bottom sees it. A
// user who says yes after the code is not asked for a code in this browser again, until the browser is removed on the
// settings page. In every other browser she is.
func TestPages_TrustedBrowser(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tremember 30d\n", site.Options{})
		v := newViewer(t, l.URL, browser.Options{NoScripts: !scripts})
		v.signIn("alice", demo.AlicePassword)
		phone := v.enrolInBrowser()

		v.signIn("alice", demo.AlicePassword)
		v.wantsPath("/second-factor/challenge")
		v.Fill("[name=code]", phone.Code(t))
		if scripts {
			v.Press(kb.Enter)
			v.WaitPath("/second-factor/trust")
		} else {
			v.press("Verify", "/second-factor/trust")
		}
		if got := v.Text("h1"); got != "Trust this browser for 30 days?" {
			t.Errorf("it is asked %q", got)
		}
		if scripts {
			v.look("trust")
		}
		v.press("Yes, trust it", "/")
		v.leave()

		v.getsIn()
		other := newViewer(t, l.URL, browser.Options{NoScripts: !scripts})
		other.signIn("alice", demo.AlicePassword)
		other.wantsPath("/second-factor/challenge")

		v.Goto(v.url + "/second-factor/")
		for _, want := range []string{"Trusted browsers", "Your sessions", "This session", "Waiting for the code", "Recent activity", "Signed in from a trusted browser"} {
			if !strings.Contains(v.Page(), want) {
				t.Errorf("the settings page does not say %q", want)
			}
		}
		if scripts {
			v.look("settings-trusted")
		}
		v.press("Sign out all others", "/second-factor/")
		v.says("status", "Your other sessions are signed out")
		other.Goto(l.URL + "/second-factor/challenge")
		if got := other.Text("h1"); got != "Time is up" {
			t.Errorf("the session that was ended sees %q", got)
		}
		other.Follow(browser.Link("Sign in"))
		other.wantsPath("/login")
		v.press("Remove", "/second-factor/")
		v.says("status", "That browser is no longer trusted")
		v.press("Sign out", "/login")
		v.signIn("alice", demo.AlicePassword)
		v.wantsPath("/second-factor/challenge")
		v.wantsQuiet()
	}
}

// TestPages_TrustIsNotPortable: mallory has alice's password, a browser of the same kind, and a copy of every cookie of
// hers. She is asked for a code. Alice is not asked, neither before nor after, at her desk or on her telephone, until
// her trust ends.
func TestPages_TrustIsNotPortable(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tremember 30d\n", site.Options{})
	alice := newViewer(t, l.URL, browser.Options{})
	alice.signIn("alice", demo.AlicePassword)
	phone := alice.enrolInBrowser()
	alice.trust(phone)
	for _, width := range []int64{0, 390} {
		alice.Viewport(width, 844)
		alice.getsIn()
		alice.leave()
	}
	alice.Viewport(0, 0)

	mallory := newViewer(t, l.URL, browser.Options{})
	mallory.Hold(alice.Cookies())
	mallory.isAsked()
	if got := mallory.Attribute("#proof", "data-key"); len(got) != 87 {
		t.Errorf("the page names the key %q", got)
	}
	mallory.settles()
	mallory.look("challenge-asked")
	// That moment is too short for a picture.
	browser.Evaluate[string](mallory.Browser, "(words => words.textContent = words.dataset.words)(document.getElementById('proof'))")
	mallory.look("challenge-proof")
	mallory.Hold(alice.Cookies())
	mallory.Scripts(false)
	mallory.isAsked()

	alice.getsIn()
	if page := alice.Goto(l.URL + "/second-factor/"); page.Status != http.StatusOK || strings.Contains(alice.Page(), "somebody may have a copy") {
		t.Errorf("the settings page: %d\n%s", page.Status, alice.Page())
	}
	// Going back leads to nothing that is sent again.
	alice.Goto(l.URL + "/")
	alice.Back()
	alice.Back()
	alice.Goto(l.URL + "/")
	alice.wantsPath("/")

	// No script of the origin, not even the app's own, gets the private key.
	for expression, want := range map[string]string{
		`keys.length`:               "1",
		`keys[0].key.extractable`:   "false",
		`keys[0].key.type`:          "private",
		`keys[0].key.usages.join()`: "sign",
		`Promise.all(["jwk", "pkcs8", "raw"].map(format => crypto.subtle.exportKey(format, keys[0].key).then(() => "it is out", () => "no")))`: "no,no,no",
	} {
		if got := alice.keys(expression); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}

	// If the browser's store is emptied, the code is asked for, nothing is lost, and the browser can be trusted again.
	alice.leave()
	alice.Goto(l.URL + "/login")
	alice.keys(`all.clear() && "cleared"`)
	alice.isAsked()
	alice.Goto(l.URL + "/second-factor/challenge")
	alice.settles()
	alice.yes(phone)
	alice.leave()
	alice.getsIn()
	alice.Goto(l.URL + "/second-factor/")
	if got := strings.Count(alice.Page(), "Remove"); got != 1 {
		t.Errorf("%d trusted browsers, want one in place of the other:\n%s", got, alice.Page())
	}
	alice.press("Remove", "/second-factor/")
	alice.leave()
	alice.isAsked()
	alice.wantsQuiet()
	mallory.wantsQuiet()
}

// TestPages_TrustOfTwo: two people share a browser, and it is trusted for each of them. Keys that have expired are
// thrown away.
func TestPages_TrustOfTwo(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tremember 30d\n", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	people := []struct{ name, password string }{{"alice", demo.AlicePassword}, {"bob", demo.BobPassword}}
	for _, person := range people {
		v.signIn(person.name, person.password)
		phone := v.enrolInBrowser()
		v.signIn(person.name, person.password)
		v.wantsPath("/second-factor/challenge")
		if person.name == "bob" {
			v.keys(`all.put({ until: Date.now() - 1 }, "over") && all.put({ until: Date.now() + 86400000 }, "not over")`)
		}
		v.yes(phone)
		v.leave()
	}
	for range 2 {
		for _, person := range people {
			v.signIn(person.name, person.password)
			v.WaitPath("/")
			v.leave()
		}
	}
	if got := v.keys("keys.length"); got != "3" {
		t.Errorf("the browser holds %s keys, want alice's, bob's and the one whose time is not over", got)
	}
	v.wantsQuiet()
}

// TestPages_TrustEnds: reset and disabling end the trust of a browser that has a key, as removing it does.
func TestPages_TrustEnds(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"reset", "disable"} {
		l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tremember 30d\n", site.Options{})
		v := newViewer(t, l.URL, browser.Options{})
		v.signIn("alice", demo.AlicePassword)
		phone := v.enrolInBrowser()
		v.trust(phone)
		v.getsIn()
		v.Goto(l.URL + "/second-factor/")
		if end == "reset" {
			v.Follow(browser.Labelled("Reset Token"))
			v.Fill("[name=code]", phone.Code(t))
			v.press("Reset", "/second-factor/setup")
			phone = v.key()
			v.Fill("[name=code]", phone.Code(t))
			v.press("Confirm", "/second-factor/")
			v.press("Sign out", "/login")
		} else {
			v.Follow(browser.Labelled("Disable Two-Factor Authentication"))
			v.Fill("[name=code]", phone.Code(t))
			v.press("Disable", "/second-factor/")
			v.enrolInBrowser()
		}
		v.isAsked()
		v.wantsQuiet()
	}
}

// slowly makes the page wait for release() before it makes a key, as slow hardware does.
const slowly = `(() => {
	const make = crypto.subtle.generateKey.bind(crypto.subtle), released = new Promise(done => { window.release = done; });
	crypto.subtle.generateKey = async (...how) => { await released; return make(...how); };
	return true;
})()`

// muchLater makes the page believe that its form was sent so long ago that a click no longer counts as part of a double
// click.
const muchLater = `delete document.getElementById("proof").closest("form").dataset.sent`

// TestPages_TrustWithoutHaste: a double click while the key is made sends the answer once, and so does one while the
// next page is on its way.
func TestPages_TrustWithoutHaste(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tremember 30d\n", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	phone := v.enrolInBrowser()
	v.signIn("alice", demo.AlicePassword)
	v.FillThrough("[name=code]", phone.Code(t))
	v.wantsPath("/second-factor/trust")
	browser.Evaluate[bool](v.Browser, slowly)
	for range 3 {
		browser.Evaluate[bool](v.Browser, muchLater)
		v.Click(browser.Selector("button[value=yes]"))
	}
	v.wantsPath("/second-factor/trust")
	// The key is made and the form goes out. Before the browser leaves the page, the form is sent again: by itself, and
	// by hand.
	browser.Evaluate[bool](v.Browser, muchLater)
	browser.Evaluate[bool](v.Browser, `(() => {
		const form = document.getElementById("proof").closest("form"), submit = form.submit.bind(form);
		form.submit = () => {
			sessionStorage.sent = +(sessionStorage.sent || 0) + 1;
			submit();
			form.requestSubmit(form.querySelector("button.main"));
			form.querySelector("button.main").click();
		};
		release();
		return true;
	})()`)
	v.WaitPath("/")
	if got := browser.Evaluate[string](v.Browser, "sessionStorage.sent"); got != "1" {
		t.Errorf("the form was sent %s times", got)
	}
	v.wantsOneKey()
	v.wantsQuiet()
}

// TestPages_TrustMakesOneKey: a form may be lost on its way. A user who clicks again, long after, sends the same key,
// and the browser becomes trusted.
func TestPages_TrustMakesOneKey(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tremember 30d\n", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	phone := v.enrolInBrowser()
	v.signIn("alice", demo.AlicePassword)
	v.FillThrough("[name=code]", phone.Code(t))
	v.wantsPath("/second-factor/trust")
	browser.Evaluate[bool](v.Browser, `(() => {
		const form = document.getElementById("proof").closest("form"), submit = form.submit.bind(form);
		form.submit = () => { window.lost = form.key.value; form.submit = submit; };
		return true;
	})()`)
	v.Click(browser.Labelled("Yes, trust it"))
	v.Until("waiting for the form to be sent", "window.lost")
	v.wantsPath("/second-factor/trust")
	browser.Evaluate[bool](v.Browser, muchLater)
	v.Follow(browser.Selector("button[value=yes]"))
	v.wantsPath("/")
	v.wantsOneKey()
	v.wantsQuiet()
}

// wantsOneKey checks that alice, who has just got in, has one key in this browser, is known by it, and answered once.
func (v *viewer) wantsOneKey() {
	v.t.Helper()
	if got := v.keys("keys.length"); got != "1" {
		v.t.Errorf("%s keys were made", got)
	}
	v.leave()
	v.getsIn()
	v.Goto(v.url + "/second-factor/")
	if page := v.Page(); strings.Contains(page, "Wrong code") || strings.Count(page, "Remove") != 1 {
		v.t.Errorf("the code was sent more than once:\n%s", page)
	}
}

// TestPages_Later: if everybody must have a second factor but has time, the page says until when, and lets users in.
func TestPages_Later(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\trequire everyone grace 14d\n", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/setup")
	if !strings.Contains(v.Page(), "You have 14 days left.") {
		t.Errorf("the page does not say how long: %s", v.Page())
	}
	v.look("later")
	v.press("Later", "/")
	v.Goto(v.url + "/second-factor/")
	v.look("settings-due")
	v.wantsQuiet()
}

// TestPages_Offer: the offer is shown once, and no is an answer.
func TestPages_Offer(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\toffer\n\t\tsettings_link\n", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/offer")
	v.look("offer")
	v.Follow(browser.Link("Not now"))
	v.wantsPath("/")
	// The app's own page has a link to the settings, although nobody has changed the app.
	v.Follow(browser.Link("Two-factor authentication settings"))
	v.wantsPath("/second-factor/")
	v.press("Sign out", "/login")
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/")
	v.wantsQuiet()
}
