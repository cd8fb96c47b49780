package e2e

import (
	"strings"
	"testing"

	"sallyport/demo"
	"sallyport/e2e/browser"
	"sallyport/e2e/site"
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

// TestPages_TrustedBrowser: who ticks the box is not asked for a code in this browser again, until the browser is removed on the
// settings page; and nowhere else.
func TestPages_TrustedBrowser(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\tremember 30d\n", site.Options{})
		v := newViewer(t, l.URL, browser.Options{NoScripts: !scripts})
		v.signIn("alice", demo.AlicePassword)
		phone := v.enrolInBrowser()

		v.signIn("alice", demo.AlicePassword)
		v.wantsPath("/second-factor/challenge")
		if scripts {
			v.look("challenge-trust")
		}
		v.Click("#trust")
		v.Fill("[name=code]", phone.Code(t))
		v.press("Verify", "/")
		v.Goto(v.url + "/second-factor/")
		v.press("Sign out", "/login")

		v.signIn("alice", demo.AlicePassword)
		v.wantsPath("/")
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
		other.wantsPath("/login")
		v.press("Remove", "/second-factor/")
		v.says("status", "That browser is no longer trusted")
		v.press("Sign out", "/login")
		v.signIn("alice", demo.AlicePassword)
		v.wantsPath("/second-factor/challenge")
		v.wantsQuiet()
	}
}

// TestPages_Later: where everybody must have a second factor and has time, the page says until when, and lets people in.
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

// TestPages_Offer is shown once, and no is an answer.
func TestPages_Offer(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\n\t\toffer\n\t\tsettings_link\n", site.Options{})
	v := newViewer(t, l.URL, browser.Options{})
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/second-factor/offer")
	v.look("offer")
	v.Follow(browser.Link("Not now"))
	v.wantsPath("/")
	// The app's own page leads to the settings, though nobody has changed the app.
	v.Follow(browser.Link("Two-factor authentication settings"))
	v.wantsPath("/second-factor/")
	v.press("Sign out", "/login")
	v.signIn("alice", demo.AlicePassword)
	v.wantsPath("/")
	v.wantsQuiet()
}
