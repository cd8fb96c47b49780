package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// walker is a user in front of the gateway with a browser and a phone. It clicks what people click, by the exact
// labels, and takes a picture of each of the gateway's pages.
type walker struct {
	*browser.Browser
	t        testing.TB
	url      string
	pictures int
	// darkWide makes the pictures dark and wide, and light and narrow, instead of the other way round.
	darkWide bool
}

func newWalker(t testing.TB, address string) *walker {
	t.Helper()
	return &walker{Browser: browser.New(t, browser.Options{}), t: t, url: address}
}

// picture takes two pictures of the page: one wide and one narrow, one in light and one in dark colours.
func (w *walker) picture(name string) {
	w.t.Helper()
	w.pictures++
	name = fmt.Sprintf("%02d-%s-", w.pictures, name)
	wide, narrow := "light", "dark"
	if w.darkWide {
		wide, narrow = narrow, wide
	}
	w.ColourScheme(w.darkWide)
	w.Screenshot(name + wide + "-1280")
	w.ColourScheme(!w.darkWide)
	w.Viewport(390, 844)
	w.Screenshot(name + narrow + "-390")
	if width := browser.Evaluate[int](w.Browser, "document.documentElement.scrollWidth"); width > 390 {
		w.t.Errorf("%s is %d pixels wide on a phone", name, width)
	}
	w.Viewport(0, 0)
}

// press follows a button, and checks that it arrives at a page.
func (w *walker) press(button, path string) browser.Answer {
	w.t.Helper()
	answer := w.Follow(browser.Labelled(button))
	w.wantsPath(path)
	return answer
}

func (w *walker) wantsPath(path string) {
	w.t.Helper()
	if got := w.Path(); got != path {
		w.t.Fatalf("the browser is at %s, want %s\n%s", got, path, w.Page())
	}
}

// says fails the test unless the page's message of that role has these words.
func (w *walker) says(role, words string) {
	w.t.Helper()
	if got := w.Text(browser.Selector("[role=" + role + "]")); !strings.Contains(got, words) {
		w.t.Fatalf("the %s says %q, want %q", role, got, words)
	}
}

// scan reads the QR code that is shown as a phone does.
func (w *walker) scan(user string) *site.Authenticator {
	w.t.Helper()
	text := w.ReadQR("#qr")
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "otpauth" || address.Host != "totp" || !strings.HasSuffix(address.Path, ":"+user) {
		w.t.Fatalf("the QR code says %q", text)
	}
	if got := w.Attribute("#otpauth", "href"); got != text {
		w.t.Errorf("the QR code says %q, the link %q", text, got)
	}
	const defaultSkew = 1
	authenticator := site.NewAuthenticator(address.Query().Get("secret"), defaultSkew)
	if key := site.NewAuthenticator(w.Text("#secret"), defaultSkew).Key; key != authenticator.Key {
		w.t.Errorf("the QR code has the key %q, the page %q", authenticator.Key, key)
	}
	return authenticator
}

// enrol sets the second factor up, from Personal Settings.
func (w *walker) enrol(user string) (*site.Authenticator, []string) {
	w.t.Helper()
	w.Goto(w.url + "/second-factor/")
	if heading, tab := w.Text("h1"), w.Text("[role=tab]"); heading != "Personal Settings" || tab != "Two-Factor Authentication" {
		w.t.Errorf("the settings page is headed %q, its tab %q", heading, tab)
	}
	w.picture("settings-off")
	w.press("Set up Two-Factor Authentication", "/second-factor/setup")
	w.picture("setup")
	authenticator := w.scan(user)
	w.Fill("[name=code]", authenticator.Code(w.t))
	w.press("Confirm", "/second-factor/recovery-codes")
	w.says("status", "Two-factor authentication is enabled")
	if w.Visible("[role=dialog]") {
		w.t.Error("the dialog is still there")
	}
	w.picture("recovery-codes")
	codes := strings.Fields(w.Text("#recovery-codes"))
	if len(codes) != 10 {
		w.t.Fatalf("%d recovery codes", len(codes))
	}
	w.Click("#saved")
	w.Follow(browser.Labelled("I have saved them"))
	w.wantsPath("/second-factor/")
	w.says("status", "Two-factor authentication is enabled")
	w.Goto(w.url + "/second-factor/")
	w.picture("settings-on")
	return authenticator, codes
}

// challenge gets the challenge, mistypes the code, and passes.
func (w *walker) challenge(authenticator *site.Authenticator, home string) {
	w.t.Helper()
	w.wantsPath("/second-factor/challenge")
	w.picture("challenge")
	// A complete code is sent without the button.
	if got := w.FillThrough("[name=code]", otherThan(w.t, authenticator.Key, 1)); got.Status != http.StatusUnprocessableEntity {
		w.t.Errorf("a wrong code is answered with %d", got.Status)
	}
	w.wantsPath("/second-factor/challenge")
	w.says("alert", "wrong")
	w.picture("challenge-wrong")
	w.FillThrough("[name=code]", authenticator.Code(w.t))
	w.wantsPath(home)
}

// recover passes the challenge with a recovery code.
func (w *walker) recover(code, home string) {
	w.t.Helper()
	w.wantsPath("/second-factor/challenge")
	w.Follow(browser.Link("Use a recovery code instead"))
	w.wantsPath("/second-factor/recovery")
	w.picture("recovery")
	w.Fill("[name=code]", strings.ToUpper(code))
	w.press("Verify", "/second-factor/recovery-used")
	w.says("status", "You used a recovery code")
	w.press("Continue", home)
}

// reset moves to another phone. It confirms with a recovery code, because the old phone is lost.
func (w *walker) reset(user, code string) *site.Authenticator {
	w.t.Helper()
	w.Goto(w.url + "/second-factor/")
	w.Follow(browser.Labelled("Reset Token"))
	w.Follow(browser.Link("Use a recovery code instead"))
	w.picture("reset")
	w.Fill("[name=code]", code)
	w.press("Reset", "/second-factor/setup")
	w.picture("reset-setup")
	authenticator := w.scan(user)
	w.Fill("[name=code]", authenticator.Code(w.t))
	w.press("Confirm", "/second-factor/")
	w.says("status", "Your new token is in use")
	w.picture("settings-reset")
	return authenticator
}

// disable turns the second factor off.
func (w *walker) disable(authenticator *site.Authenticator) {
	w.t.Helper()
	w.Goto(w.url + "/second-factor/")
	w.Follow(browser.Labelled("Disable Two-Factor Authentication"))
	w.picture("disable")
	w.Fill("[name=code]", authenticator.Code(w.t))
	w.press("Disable", "/second-factor/")
	w.says("status", "Two-factor authentication is disabled")
	w.picture("settings-disabled")
}

// holdsNoSession fails the test if the browser has a cookie by which the app knows its user.
func (w *walker) holdsNoSession() {
	w.t.Helper()
	for _, cookie := range w.Cookies() {
		if appSession.MatchString(cookie.Name) {
			w.t.Errorf("the browser holds the app's %s", cookie.Name)
		}
		if cookie.Name == "sallyport" && (!cookie.HTTPOnly || cookie.SameSite != "Lax") {
			w.t.Errorf("the gateway's cookie is %+v", cookie)
		}
	}
}

// wantsShut fails the test if the page shows a word of what is protected.
func (w *walker) wantsShut(words []string) {
	w.t.Helper()
	page := w.Page()
	for _, word := range words {
		if strings.Contains(page, word) {
			w.t.Errorf("%q is readable at %s", word, w.Path())
		}
	}
}

// wantsQuiet fails the test if a page did something that the browser reports as an error: a script that threw, or
// something that the page's own policy forbids. Files of the app that are missing, or not public, do not count.
func (w *walker) wantsQuiet() {
	w.t.Helper()
	for _, problem := range w.Problems() {
		if !strings.Contains(problem, "Failed to load resource") && !strings.Contains(problem, "Manifest fetch") {
			w.t.Errorf("the browser's console says %q", problem)
		}
	}
}

// walkInBrowser does the main job in Chromium, as walkByHTTP does without it.
func (a *protectedApp) walkInBrowser(t *testing.T) {
	w := newWalker(t, a.URL)
	w.Goto(a.URL + a.home)
	w.wantsPath(a.loginPage)
	w.wantsShut(a.words)
	a.typeIn(w.Browser, apps.Alice.Name, apps.Alice.Password)
	w.wantsPath(a.home)
	w.Screenshot("app-signed-in")
	first, codes := w.enrol(apps.Alice.Name)
	w.press("Sign out", a.loginPage)

	a.typeIn(w.Browser, apps.Alice.Name, apps.Alice.Password)
	w.Goto(a.URL + a.protected[0])
	w.wantsShut(a.words)
	w.holdsNoSession()
	w.challenge(first, a.home)
	a.work(t, w.Browser)
	w.holdsNoSession()
	w.Screenshot("app-work-done")
	w.Goto(a.URL + a.home)
	a.leave(w.Browser)
	w.Goto(a.URL + a.home)
	w.wantsPath(a.loginPage)

	a.typeIn(w.Browser, apps.Alice.Name, apps.Alice.Password)
	w.recover(codes[0], a.home)
	second := w.reset(apps.Alice.Name, codes[1])
	w.disable(second)
	w.Goto(a.URL + a.home)
	a.leave(w.Browser)
	w.Goto(a.URL + a.home)
	w.wantsPath(a.loginPage)
	a.typeIn(w.Browser, apps.Alice.Name, apps.Alice.Password)
	w.wantsPath(a.home)
	w.holdsNoSession()
	w.wantsQuiet()
}
