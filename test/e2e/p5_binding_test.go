package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP5_SecondLoginInAVerifiedSession: mallory (bob) has an account and a factor of his own, and alice's password. He
// signs in as himself, passes his own challenge, and then signs in as alice in the same session. From then on the
// session is hers, and owes her factor: his is worth nothing in it.
func TestP5_SecondLoginInAVerifiedSession(t *testing.T) {
	t.Parallel()
	for name, knobs := range map[string]demo.Knobs{"rotating app": {}, "app that elevates in place": {ElevateInPlace: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, knobs, "", site.Options{})
			alice := l.enrolled(t, "alice", demo.AlicePassword)
			c, bob := l.verified(t, "bob", demo.BobPassword)
			wantsEntries(t, c, "bob")

			// The form is the stranger's; in a signed-in session the app shows none.
			token := c.Token()
			got := c.PostJSON("/api/login", credentials("alice", demo.AlicePassword))
			if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.Text, "second-factor-required") {
				t.Fatalf("%d %s", got.StatusCode, got.Text)
			}
			wantsNothingOf(t, got)
			wantsState(t, c, "pending", "alice")
			wantsShut(t, c)
			wantsState(t, l.with(t, token), "anonymous", "")
			c.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
			wantsShut(t, c)
			c.Pass(alice).Wants(t, http.StatusSeeOther, "")
			wantsEntries(t, c, "alice")
		})
	}
}

// TestP5_FailedLoginChangesNothing: a wrong password in the middle of a session leaves the session as it was, verified
// for the same user.
func TestP5_FailedLoginChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	c, _ := l.verified(t, "bob", demo.BobPassword)
	if got := c.PostJSON("/api/login", credentials("alice", "wrong")); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.Text, "second-factor") {
		t.Fatalf("%d %s", got.StatusCode, got.Text)
	}
	wantsState(t, c, "verified", "bob")
	wantsEntries(t, c, "bob")
}

// TestP5_LoginRacesWithRequests: while alice's password is typed in bob's verified session, fifty requests of that
// session are under way. An app that switches a session's user in place would answer some of them with her data, before
// her factor was asked for. The login goes out as a stranger's, so there is nothing to switch.
func TestP5_LoginRacesWithRequests(t *testing.T) {
	t.Parallel()
	for name, knobs := range map[string]demo.Knobs{"rotating app": {}, "app that elevates in place": {ElevateInPlace: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, knobs, "", site.Options{})
			l.enrolled(t, "alice", demo.AlicePassword)
			c, _ := l.verified(t, "bob", demo.BobPassword)
			token := c.Token()
			var group sync.WaitGroup
			for i := range 50 {
				group.Go(func() {
					if i == 10 {
						signInScript(l.with(t, token), "alice", demo.AlicePassword)
						return
					}
					if got, err := l.with(t, token).Try("GET", "/api/entries", jsonHeader(), ""); err == nil && shows(got, "alice") {
						t.Errorf("alice's data before her factor: %s", got.Text)
					}
				})
			}
			group.Wait()
			for _, received := range l.app.Received() {
				if received.Path == "/api/login" && received.Header.Get("Cookie") != "" && strings.Contains(received.Header.Get("Cookie"), demo.SessionCookie) && name == "rotating app" {
					t.Errorf("the login carried a session of the app's: %s", received.Header.Get("Cookie"))
				}
			}
			wantsState(t, l.with(t, token), "anonymous", "")
		})
	}
}

// TestP5_TwoLoginsRace: two logins, as bob and as alice, run in one pending session at once. Whichever comes first,
// each of the resulting sessions belongs to one identity, and that user's factor opens it.
func TestP5_TwoLoginsRace(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	factors := map[string]*site.Authenticator{"bob": l.enrolled(t, "bob", demo.BobPassword)}
	c, alice := l.pending(t, "alice", demo.AlicePassword)
	factors["alice"] = alice
	token := c.Token()
	tokens := make(chan string, 2)
	var group sync.WaitGroup
	for name, password := range map[string]string{"alice": demo.AlicePassword, "bob": demo.BobPassword} {
		group.Go(func() { tokens <- tokenOf(signInScript(l.with(t, token), name, password)) })
	}
	group.Wait()
	close(tokens)
	for fresh := range tokens {
		if fresh == "" {
			continue
		}
		client := l.with(t, fresh)
		status := client.Status()
		for name, other := range map[string]string{"alice": "bob", "bob": "alice"} {
			if !strings.Contains(status, `"user":"`+name+`"`) {
				continue
			}
			wantsShut(t, client)
			client.Pass(factors[other]).Wants(t, http.StatusUnprocessableEntity, "")
			client.Pass(factors[name]).Wants(t, http.StatusSeeOther, "")
			wantsEntries(t, client, name)
		}
	}
	wantsState(t, l.with(t, token), "anonymous", "")
}

// TestP5_CodeForAnotherLogin: alice types her code. While it is on its way, another login makes the session bob's. Her
// code must not verify his session. The request with the code is held open until the other login is done.
func TestP5_CodeForAnotherLogin(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	l.enrolled(t, "bob", demo.BobPassword)
	c, alice := l.pending(t, "alice", demo.AlicePassword)
	csrf := site.Find(t, site.OwnToken, c.Get("/second-factor/challenge").Text)
	slow := l.hold(t, c.Token(), "POST", "/second-factor/challenge", "application/x-www-form-urlencoded", codeForm(csrf, alice.Code(t)))
	fresh := tokenOf(signInScript(l.with(t, c.Token()), "bob", demo.BobPassword))
	if fresh == "" {
		t.Fatal("bob's login brought no session")
	}
	if token := tokenOf(slow.finish()); token != "" {
		wantsState(t, l.with(t, token), "anonymous", "")
	}
	wantsState(t, l.with(t, fresh), "pending", "bob")
	wantsShut(t, l.with(t, fresh))
}

// TestP5_UnlistedLoginEndpoint: the operator described one of the app's two logins. In his verified session, mallory
// (bob) signs in as alice at the other one. With identity, the changed cookie gives him away before one byte of the
// answer. Without it, the new cookie and his session are thrown away; a new session is his own only.
func TestP5_UnlistedLoginEndpoint(t *testing.T) {
	t.Parallel()
	t.Run("with identity", func(t *testing.T) {
		t.Parallel()
		l := newLedger(t, demo.Knobs{}, commonLines+formLogin+askIdentity+staticPublic, site.Options{})
		l.enrolled(t, "alice", demo.AlicePassword)
		c, bob := l.verified(t, "bob", demo.BobPassword)
		got := c.PostJSON("/api/login", credentials("alice", demo.AlicePassword))
		if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.Text, "second-factor-required") || shows(got, "alice") {
			t.Fatalf("%d %s", got.StatusCode, got.Text)
		}
		wantsState(t, c, "pending", "alice")
		wantsShut(t, c)
		c.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
	})
	t.Run("without identity", func(t *testing.T) {
		t.Parallel()
		l := newLedger(t, demo.Knobs{}, commonLines+typedForm+staticPublic, site.Options{})
		l.enrolled(t, "alice", demo.AlicePassword)
		c, bob := l.verified(t, "bob", demo.BobPassword)
		got := c.PostJSON("/api/login", credentials("alice", demo.AlicePassword))
		if got.StatusCode != http.StatusUnauthorized || shows(got, "alice") {
			t.Fatalf("%d %s", got.StatusCode, got.Text)
		}
		wantsState(t, c, "anonymous", "")
		wantsShut(t, c)
		signIn(t, c, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		c.Pass(bob).Wants(t, http.StatusSeeOther, "")
		if got := c.Do("GET", "/api/entries", jsonHeader(), ""); shows(got, "alice") {
			t.Fatalf("bob's factor opened alice's account: %s", got.Text)
		}
	})
}

// TestP5_ResetLinkThatSignsIn: a link from a password-reset mail signs in by itself. On a public path and on another
// one, it gets nobody past the factor of the account that it signs in to.
func TestP5_ResetLinkThatSignsIn(t *testing.T) {
	t.Parallel()
	for name, public := range map[string]string{"public": resetPublic, "not public": staticPublic} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+public, site.Options{})
			alice := l.enrolled(t, "alice", demo.AlicePassword)
			reset, err := l.app.ResetToken("alice")
			if err != nil {
				t.Fatal(err)
			}
			c := l.Client(t)
			got := c.Get("/reset?token=" + url.QueryEscape(reset))
			wantsNothingOf(t, got)
			if name == "not public" {
				got.Wants(t, http.StatusSeeOther, "/login")
				wantsShut(t, c)
				return
			}
			got.Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			wantsState(t, c, "pending", "alice")
			wantsShut(t, c)
			c.Pass(alice).Wants(t, http.StatusSeeOther, "/")
			wantsEntries(t, c, "alice")
		})
	}
}

// TestP5_ElevationWithoutSetCookie: an app signs an existing session in without setting a cookie (ZNC). After the
// login, the stranger's cookie, which the gateway holds, is the signed-in one. No request carries it until the factor
// is passed, not even on public and login paths.
func TestP5_ElevationWithoutSetCookie(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{ElevateInPlace: true}, "", site.Options{})
	alice := l.enrolled(t, "alice", demo.AlicePassword)
	c := l.Client(t)
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	wantsShut(t, c)
	l.app.ForgetReceived()
	for _, path := range []string{"/login", "/static/style.css", "/favicon.ico"} {
		if got := c.Get(path); shows(got, "alice") {
			t.Errorf("%s shows alice's account: %s", path, got.Text)
		}
	}
	received := l.app.Received()
	if len(received) == 0 {
		t.Fatal("nothing public reached the app: the test proves nothing")
	}
	if cookie := received[0].Header.Get("Cookie"); strings.Contains(cookie, demo.SessionCookie) {
		t.Errorf("the elevated session went out: %s", cookie)
	}
	c.Pass(alice).Wants(t, http.StatusSeeOther, "")
	wantsEntries(t, c, "alice")
}
