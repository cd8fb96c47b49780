package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP5_TypedElevationOfABrowsersCookie: scripts may read the app's session cookie, so strangers have it in the
// browser. A login raises it in place, and sets another cookie, which the operator names as the sign of success. The
// gateway cannot ask the app. The browser's cookie is then alice's session, and must not be used before her factor is
// passed: not where anybody may go, and not with a session of mallory's (bob's) own.
func TestP5_TypedElevationOfABrowsersCookie(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{ScriptCookie: true, ElevateInPlace: true, NoFormToken: true}, commonLines+typedLogins+staticPublic, site.Options{})
	signInHere := func(c *site.Client, name, password string) site.Answer {
		c.Get("/login").Wants(t, http.StatusOK, "")
		return c.Post("/login", url.Values{"username": {name}, "password": {password}})
	}
	thief := l.Client(t)
	signInHere(thief, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	thief.Enrol(skew)
	thief.SignOut()
	signInHere(thief, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	stolen := ""
	for _, received := range l.app.Received() {
		request := http.Request{Header: received.Header}
		if cookie, err := request.Cookie(demo.SessionCookie); err == nil && received.Path == "/login" && received.Method == http.MethodPost {
			stolen = cookie.Value
		}
	}
	if direct := l.past(stolen); !shows(direct, "alice") {
		t.Fatalf("the app has not made %q alice's: the test shows nothing: %d", stolen, direct.StatusCode)
	}
	l.app.ForgetReceived()
	for _, path := range []string{"/static/style.css", "/favicon.ico", "/login", "/"} {
		thief.SetCookie(demo.SessionCookie, stolen)
		thief.Get(path)
	}
	bob := l.Client(t)
	signInHere(bob, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/")
	wantsState(t, bob, "verified", "bob")
	for _, path := range []string{"/static/style.css", "/api/entries", "/login", "/"} {
		bob.SetCookie(demo.SessionCookie, stolen)
		bob.Get(path)
	}
	for _, received := range l.app.Received() {
		if received.Login == "alice" {
			t.Errorf("%s %s is alice's to the app", received.Method, received.URI)
		}
	}
}

// past asks the app itself, past the gateway, with a session.
func (l *ledger) past(session string) site.Answer {
	r, w := httptest.NewRequest(http.MethodGet, "/api/entries", nil), httptest.NewRecorder()
	r.Header.Set("Cookie", demo.SessionCookie+"="+session)
	l.app.ServeHTTP(w, r)
	return site.Answer{Response: w.Result(), Text: w.Body.String()}
}
