package e2e

import (
	"net/http"
	"testing"

	"sallyport/demo"
	"sallyport/e2e/site"
)

// TestP5_ScriptCookieAfterTheSessionEnded: the app's session cookie is a script's, so that strangers have it in the browser,
// and a login elevates it in place. mallory elevates one as alice: the gateway refuses, for there is nothing that it could
// hold, but he has the value. In another session he signs in as himself, has the app end that session, at an address that
// the operator did not describe, and sends alice's value in its place. A session whose app session has ended is over.
func TestP5_ScriptCookieAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	block := "\n\t\tapp ledger\n\t\ttotp {\n\t\t\tskew 10\n\t\t}\n" + formLogin + jsonLogin + staticPublic
	l := newLedger(t, demo.Knobs{ScriptCookie: true, ElevateInPlace: true}, block, site.Options{})
	thief := l.Client(t)
	page := thief.Get("/login")
	stolen := ""
	for _, cookie := range page.Cookies() {
		if cookie.Name == demo.SessionCookie {
			stolen = cookie.Value
		}
	}
	if got := signIn(t, thief, "alice", demo.AlicePassword); got.StatusCode != http.StatusBadGateway || stolen == "" {
		t.Fatalf("the elevation was not refused: %d, cookie %q", got.StatusCode, stolen)
	}

	c := l.Client(t)
	c.Get("/login").Wants(t, http.StatusOK, "") // the name is one that the app gave this browser
	bob := l.with(t, c.Token())
	signInScript(bob, "bob", demo.BobPassword).Wants(t, http.StatusOK, "")
	wantsState(t, bob, "verified", "bob")
	bob.SetCookie(demo.SessionCookie, stolen)
	wantsEntries(t, bob, "bob")
	bob.Get("/logout").Wants(t, http.StatusSeeOther, "/login")
	for _, path := range []string{"/api/entries", "/login", "/api/entries", "/"} {
		bob.SetCookie(demo.SessionCookie, stolen)
		if got := bob.Get(path); shows(got, "alice") && path != "/login" {
			t.Errorf("%s shows alice's account: %s", path, got.Text)
		}
	}
	wantsState(t, bob, "anonymous", "")
}

// TestP5_CookieChangesOutsideALogin: an app that gives its session cookie a new value with each answer. With identity, and
// with `rotates`, that is normal use. With neither, nobody knows whose the new value is: the factor is asked for again, and
// the value thrown away.
func TestP5_CookieChangesOutsideALogin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines string
		state string
	}{
		"identity": {askIdentity, "verified"},
		"rotates":  {"\n\t\trotates " + demo.SessionCookie + "\n", "verified"},
		"another":  {"\n\t\trotates another\n", "pending"},
		"neither":  {"", "pending"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, demo.Knobs{Rotate: true}, commonLines+formLogin+jsonLogin+staticPublic+test.lines, site.Options{})
			c, authenticator := l.verified(t, "alice", demo.AlicePassword)
			token := c.Token()
			got := c.Get("/api/entries")
			wantsNothingOf(t, got)
			wantsState(t, c, test.state, "alice")
			if test.state == "verified" {
				for range 20 {
					wantsEntries(t, c, "alice")
				}
				return
			}
			if got.StatusCode != http.StatusSeeOther || shows(got, "alice") {
				t.Errorf("%d %s", got.StatusCode, got.Text)
			}
			wantsShut(t, c)
			wantsState(t, l.with(t, token), "anonymous", "")
			c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/api/entries")
		})
	}
}

// TestP5_RotatesDoesNotCoverALogin: `rotates` says that a cookie changes in normal use. A login that is described is a login
// all the same, whatever it does to that cookie.
func TestP5_RotatesDoesNotCoverALogin(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+staticPublic+"\n\t\trotates "+demo.SessionCookie+"\n", site.Options{})
	l.enrolled(t, "alice", demo.AlicePassword)
	c, bob := l.verified(t, "bob", demo.BobPassword)
	if got := signInScript(c, "alice", demo.AlicePassword); got.StatusCode != http.StatusUnauthorized || shows(got, "alice") {
		t.Fatalf("%d %s", got.StatusCode, got.Text)
	}
	wantsState(t, c, "pending", "alice")
	c.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
	wantsShut(t, c)
}
