package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// viewer is a user who looks at every page closely.
type viewer struct {
	*walker
	looks int
	// turns says that axe-core checks only some pages: page n if n mod turns is turn.
	turns, turn int
}

func newViewer(t testing.TB, address string, options browser.Options) *viewer {
	t.Helper()
	return &viewer{walker: &walker{Browser: browser.New(t, options), t: t, url: address}}
}

// look takes pictures of the page and makes axe-core check it: light and dark, on a small telephone, a larger one and a
// desktop if somebody will look at the pictures ($SALLYPORT_ARTIFACTS), and otherwise in one of these ways, in turn.
// The tests of package pages also make axe-core check all pages.
func (v *viewer) look(name string) {
	v.t.Helper()
	type way struct {
		width, height int64
		dark          bool
	}
	ways := []way{{1280, 800, false}, {320, 640, true}, {390, 844, false}, {1280, 800, true}, {320, 640, false}, {390, 844, true}}
	axe := true
	if os.Getenv("SALLYPORT_ARTIFACTS") == "" {
		ways = ways[v.looks%len(ways):][:1]
		axe = v.turns == 0 || v.looks%v.turns == v.turn
	}
	v.looks++
	for _, way := range ways {
		v.Viewport(way.width, way.height)
		v.ColourScheme(way.dark)
		scheme := map[bool]string{false: "light", true: "dark"}[way.dark]
		picture := fmt.Sprintf("%02d-%s-%s-%d", v.looks, name, scheme, way.width)
		v.Screenshot(picture)
		if width := browser.Evaluate[int64](v.Browser, "document.documentElement.scrollWidth"); width > way.width {
			v.t.Errorf("%s is %d pixels wide", picture, width)
		}
		if axe {
			v.Accessible(picture)
		}
	}
	v.Viewport(0, 0)
}

func (v *viewer) signIn(name, password string) {
	v.t.Helper()
	v.Goto(v.url + "/login")
	v.Fill("[name=username]", name)
	v.Fill("[name=password]", password)
	v.Follow("form[action='/login'] button")
}

// key reads the key that is shown, as a user does who cannot scan.
func (v *viewer) key() *site.Authenticator {
	v.t.Helper()
	return site.NewAuthenticator(v.Text("#secret"), skew)
}

// TestPages looks at every page and state that a user meets on the way, in languages that differ much, on every kind of
// screen. It finds the buttons by what they do, since their words differ.
func TestPages(t *testing.T) {
	t.Parallel()
	for turn, language := range []string{"en", "de", "ar"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tissuer \"Harbour ledger\"\n\t\tthrottle {\n\t\t\tfree 3\n\t\t\tdelay 2m\n\t\t}\n", site.Options{})
			v := newViewer(t, l.URL, browser.Options{Language: language})
			v.turns, v.turn = 3, turn
			v.signIn("alice", demo.AlicePassword)

			v.Goto(v.url + "/second-factor/")
			if got := v.Attribute("html", "lang"); got != language {
				t.Errorf("the page's language is %q", got)
			}
			v.look("settings-off")
			v.Follow("#open-setup")
			v.look("setup")
			authenticator := v.scan("alice")
			v.Fill("[name=code]", otherThan(t, authenticator.Key, skew))
			v.Follow("dialog .main")
			v.look("setup-wrong")
			phone := v.key()
			v.Fill("[name=code]", phone.Code(t))
			v.Follow("dialog .main")
			v.wantsPath("/second-factor/recovery-codes")
			v.look("codes")
			codes := strings.Fields(v.Text("#recovery-codes"))
			v.Goto(v.url + "/second-factor/")
			v.look("settings-on")

			v.Follow("#open-reset")
			v.look("reset")
			v.Fill("[name=code]", otherThan(t, phone.Key, skew))
			v.Follow("dialog .main")
			v.look("reset-wrong")
			v.Fill("[name=code]", phone.Code(t))
			v.Follow("dialog .main")
			v.look("reset-setup")
			phone = v.key()
			v.Fill("[name=code]", phone.Code(t))
			v.Follow("dialog .main")
			v.look("settings-reset")
			v.Follow("#open-codes")
			v.look("new-codes")
			v.Press(kb.Escape)
			v.WaitPath("/second-factor/")
			v.Goto(v.url + "/second-factor/")
			v.Follow("#open-disable")
			v.look("disable")
			v.Follow("dialog a[href$='?recovery']")
			v.look("disable-recovery")
			v.Goto(v.url + "/second-factor/")
			v.Follow("header button")

			v.signIn("alice", demo.AlicePassword)
			v.look("challenge")
			v.FillThrough("[name=code]", otherThan(t, phone.Key, skew))
			v.look("challenge-wrong")
			v.Follow("main a[href$='/recovery']")
			v.look("recovery")
			v.Fill("[name=code]", "no-such-code")
			v.Follow("main .main")
			v.look("recovery-wrong")
			v.Fill("[name=code]", codes[0])
			v.Follow("main .main")
			v.wantsPath("/second-factor/recovery-used")
			v.look("recovery-used")
			v.Follow("main .main")
			v.wantsPath("/")
			v.Goto(v.url + "/second-factor/")
			v.look("settings-recovery-used")
			v.Follow("header button")

			v.signIn("alice", demo.AlicePassword)
			for range 3 {
				v.FillThrough("[name=code]", otherThan(t, phone.Key, skew))
			}
			v.look("challenge-throttled")
			v.Goto(v.url + "/second-factor/nowhere")
			v.look("error-not-found")
			v.wantsQuiet()
		})
	}
}

// TestPages_Forced: if everybody must have a second factor, the page says why, and there is no way around it.
func TestPages_Forced(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, siegeBlock, site.Options{})
	v := newViewer(t, l.URL, browser.Options{Language: "en"})
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/setup")
	v.look("forced-start")
	v.press("Set up Two-Factor Authentication", "/second-factor/setup")
	v.look("forced-setup")
	if v.Visible(browser.Link("Cancel")) {
		t.Error("what is required can be cancelled")
	}
	v.Fill("[name=code]", v.key().Code(t))
	v.press("Confirm", "/second-factor/recovery-codes")
	v.Goto(v.url + "/second-factor/")
	v.look("forced-settings")
	v.wantsQuiet()
}

// active names the element that has the focus, by its id or its words.
const active = `(e => e.id || e.name || e.innerText.trim())(document.activeElement)`

// TestPages_Dialogs: set-up, reset and disabling are dialogs over the settings page. The focus is in them and stays
// there. Escape, or Cancel, closes them, and returns the focus to the button that opened them. Nothing has changed
// then.
func TestPages_Dialogs(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	v.Goto(v.url + "/second-factor/")

	isDialog := func(button, path string) {
		t.Helper()
		v.Follow(browser.Labelled(button))
		if got := strings.TrimSuffix(v.Path(), "?"); got != path {
			t.Fatalf("%s leads to %s", button, got)
		}
		if !browser.Evaluate[bool](v.Browser, `document.querySelector("dialog").matches(":modal") && document.querySelector("h1").innerText === "Personal Settings"`) {
			t.Errorf("%s is no dialog over the settings page", path)
		}
		for range 12 {
			v.Press(kb.Tab)
			// After the dialog's last element comes the browser's own interface, for which a page sees its body.
			if got := browser.Evaluate[string](v.Browser, `document.activeElement.closest("dialog, body").nodeName + (document.activeElement === document.body ? " itself" : "")`); got != "DIALOG" && got != "BODY itself" {
				t.Fatalf("%s: the focus left the dialog for %s", path, browser.Evaluate[string](v.Browser, active))
			}
		}
	}
	isClosed := func(opener string) {
		t.Helper()
		v.WaitPath("/second-factor/")
		if v.Visible("dialog") {
			t.Error("the dialog is still there")
		}
		if got := browser.Evaluate[string](v.Browser, active); got != opener {
			t.Errorf("the focus is on %q, want %q", got, opener)
		}
		if got := browser.Evaluate[string](v.Browser, "document.title"); got != "Personal Settings – ledger" {
			t.Errorf("the title is %q", got)
		}
		if page := browser.Evaluate[string](v.Browser, "document.documentElement.outerHTML"); strings.Contains(page, "otpauth:") {
			t.Error("the secret is still there")
		}
	}
	isDialog("Set up Two-Factor Authentication", "/second-factor/setup")
	v.Press(kb.Escape)
	isClosed("open-setup")
	v.press("Set up Two-Factor Authentication", "/second-factor/setup")
	v.Fill("[name=code]", v.key().Code(t))
	v.press("Confirm", "/second-factor/recovery-codes")
	v.says("status", "Two-factor authentication is enabled")
	if v.Visible("[role=dialog]") {
		t.Error("the dialog is still there")
	}
	v.Goto(v.url + "/second-factor/")
	for _, change := range []struct{ button, path, opener string }{
		{"Reset Token", "/second-factor/reset", "open-reset"},
		{"New Recovery Codes", "/second-factor/recovery-codes", "open-codes"},
		{"Disable Two-Factor Authentication", "/second-factor/disable", "open-disable"},
	} {
		isDialog(change.button, change.path)
		v.Press(kb.Escape)
		isClosed(change.opener)
		isDialog(change.button, change.path)
		v.Click(browser.Link("Cancel"))
		isClosed(change.opener)
	}
	if v.Reload().Status != http.StatusOK || !strings.Contains(v.Page(), "Two-factor authentication is on") {
		t.Errorf("something has changed: %s", v.Page())
	}
	v.wantsQuiet()
}

// TestPages_WithoutScripts walks the three flows by their labels with JavaScript off.
func TestPages_WithoutScripts(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	v := newViewer(t, l.URL, browser.Options{NoScripts: true})
	v.signIn("alice", demo.AlicePassword)
	v.Goto(v.url + "/second-factor/")
	v.press("Set up Two-Factor Authentication", "/second-factor/setup")
	v.Screenshot("setup")
	v.Follow(browser.Link("Cancel"))
	v.wantsPath("/second-factor/")
	if got := browser.Evaluate[string](v.Browser, active); got != "open-setup" {
		t.Errorf("after Cancel the focus is on %q", got)
	}
	v.press("Set up Two-Factor Authentication", "/second-factor/setup")
	v.scan("alice")
	phone := v.key()
	v.Fill("[name=code]", phone.Code(t))
	v.press("Confirm", "/second-factor/recovery-codes")
	v.says("status", "Two-factor authentication is enabled")
	v.Screenshot("codes")
	for _, button := range []string{"Copy", "Download", "Print"} {
		if v.Visible(browser.Labelled(button)) {
			t.Errorf("%s is there, and does nothing", button)
		}
	}
	v.Click("#saved")
	v.Follow(browser.Labelled("I have saved them"))
	v.Goto(v.url + "/second-factor/")
	v.Follow(browser.Labelled("Reset Token"))
	v.Screenshot("reset")
	v.Fill("[name=code]", phone.Code(t))
	v.press("Reset", "/second-factor/setup")
	v.scan("alice")
	next := v.key()
	v.Fill("[name=code]", next.Code(t))
	v.press("Confirm", "/second-factor/")
	v.says("status", "Your new token is in use")
	v.press("Sign out", "/login")
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/challenge")
	v.Screenshot("challenge")
	v.Fill("[name=code]", next.Code(t))
	v.press("Verify", "/")
	v.Goto(v.url + "/second-factor/")
	v.Follow(browser.Labelled("Disable Two-Factor Authentication"))
	v.Fill("[name=code]", next.Code(t))
	v.press("Disable", "/second-factor/")
	v.says("status", "Two-factor authentication is disabled")
}
