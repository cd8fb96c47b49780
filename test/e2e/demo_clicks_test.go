package e2e

import (
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestDemoByClicks walks through what the demo prints as somebody does who meets it for the first time: one address is
// typed, and everything after that is a click, a code or a password. With -v it says how long each step took the
// machine.
func TestDemoByClicks(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	step := func(name string) {
		t.Logf("%-44s %6d ms", name, time.Since(begun).Milliseconds())
		begun = time.Now()
	}
	r := startDemo(t, port(t, false))
	step("the demo is there")
	b := browser.New(t, browser.Options{})
	w := &walker{Browser: b, t: t, url: r.url()}
	begun = time.Now()
	signIn := func(path string) {
		t.Helper()
		w.wantsPath("/login")
		w.Fill("[name=username]", "alice")
		w.Fill("[name=password]", demo.AlicePassword)
		w.Click(browser.Labelled("Sign in"))
		w.WaitPath(path) // where a trusted browser proves itself first, by a script
	}

	w.Goto(r.url() + "/")
	step("open the address")
	signIn("/")
	step("1 sign in by the password alone")
	w.Follow(browser.Link("Two-factor authentication"))
	w.wantsPath("/second-factor/")
	step("1 follow the app's menu to the settings")
	w.press("Set up Two-Factor Authentication", "/second-factor/setup")
	step("2 begin to set up")
	phone := site.NewAuthenticator(w.Text("#secret"), 1)
	w.Fill("[name=code]", phone.Code(t))
	w.press("Confirm", "/second-factor/recovery-codes")
	step("2 type the first code, confirm")
	codes := strings.Fields(w.Text("#recovery-codes"))
	w.Click("#saved")
	w.press("I have saved them", "/second-factor/")
	step("3 keep the recovery codes")
	w.press("Sign out", "/login")
	step("3 sign out")
	signIn("/second-factor/challenge")
	step("4 sign in: the password leads to the challenge")
	w.Follow(browser.Link("Use a recovery code instead"))
	w.Fill("[name=code]", codes[0])
	w.press("Verify", "/second-factor/recovery-used")
	w.press("Continue", "/")
	step("4 type a recovery code, be in the app")
	w.Follow("#sign-out")
	signIn("/second-factor/challenge")
	w.FillThrough("[name=code]", phone.Code(t))
	w.wantsPath("/second-factor/trust")
	step("4 again: type the code")
	w.Click(browser.Labelled("Yes, trust it")) // which the script sends, when it has made a key
	w.WaitPath("/")
	step("4 trust the browser, be in the app")
	w.Follow("#sign-out")
	signIn("/")
	step("4 again: the trusted browser needs no code")
	w.Follow(browser.Link("Two-factor authentication"))
	w.Follow(browser.Labelled("Reset Token"))
	w.Fill("[name=code]", codes[1])
	w.press("Reset", "/second-factor/setup")
	phone = site.NewAuthenticator(w.Text("#secret"), 1)
	w.Fill("[name=code]", phone.Code(t))
	w.press("Confirm", "/second-factor/")
	w.says("status", "Your new token is in use")
	step("5 reset the token")
	w.Follow(browser.Labelled("Disable Two-Factor Authentication"))
	w.Fill("[name=code]", codes[2])
	w.press("Disable", "/second-factor/")
	w.says("status", "Two-factor authentication is disabled")
	step("5 disable")
	w.press("Sign out", "/login")
	signIn("/")
	step("sign in by the password alone again")
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("the browser's console says %q", problems)
	}
}
