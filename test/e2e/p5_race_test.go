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

// TestP5_LoginHeldOpen: mallory (bob) has alice's password, and an account and a factor of his own, at an app that
// signs a session in under the cookie that it already has (ZNC, and many a PHP application). He opens a login as alice
// and holds back its last byte. By then the gateway has looked at his session and found the stranger's cookie in it. On
// another connection he signs in as himself with that same cookie, and passes his own challenge. Now he sends the last
// byte: the app makes the session, which the gateway has verified as bob's, alice's.
//
// Therefore a stranger's cookies go out with one login only, whichever comes to the app first.
func TestP5_LoginHeldOpen(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]string{
		"with identity":    commonLines + formLogin + jsonLogin + askIdentity + staticPublic,
		"without identity": commonLines + strings.Replace(typedForm, "success  cookie "+demo.LastCookie, "success  cookie "+demo.SessionCookie, 1) + typedJSON + staticPublic,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, demo.Knobs{ElevateInPlace: true}, block, site.Options{})
			l.enrolledByScript(t, "alice", demo.AlicePassword)
			bob := l.enrolledByScript(t, "bob", demo.BobPassword)

			c := l.Client(t)
			form := url.Values{"username": {"bob"}, "password": {demo.BobPassword}, "csrf": {site.Find(t, csrfField, c.Get("/login").Text)}}
			slow := l.hold(t, c.Token(), "POST", "/api/login", "application/json", credentials("alice", demo.AlicePassword))
			if name == "with identity" {
				c.Post("/login", form).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			} else {
				// Such a login cannot be believed: nothing says whose the session is.
				if got := c.Post("/login", form); tokenOf(got) != "" && strings.Contains(l.with(t, tokenOf(got)).Status(), "verified") {
					t.Errorf("a login in place: %d to %q", got.StatusCode, got.Location())
				}
				c = l.Client(t)
				signInScript(c, "bob", demo.BobPassword).Wants(t, http.StatusUnauthorized, "")
			}
			c.Pass(bob).Wants(t, http.StatusSeeOther, "/")
			wantsEntries(t, c, "bob")

			l.app.ForgetReceived()
			late := slow.finish()
			if shows(late, "alice") {
				t.Errorf("the late login shows her account: %s", late.Text)
			}
			if l.loginsReceived() != 1 {
				t.Fatal("the late login never reached the app: the test proves nothing")
			}
			if token := tokenOf(late); token != "" {
				wantsShut(t, l.with(t, token))
			}
			wantsEntries(t, c, "bob")
			wantsState(t, c, "verified", "bob")
		})
	}
}

// TestP5_LoginsRaceForOneCookie is the same without the waiting: many logins, as alice and as bob, in one stranger's
// session at once. bob has no factor, so each login as bob opens a session at once, and none of those may ever show
// alice.
func TestP5_LoginsRaceForOneCookie(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{ElevateInPlace: true}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic, site.Options{})
	l.enrolled(t, "alice", demo.AlicePassword)
	opened := 0
	for range 20 {
		c := l.Client(t)
		c.Get("/login").Wants(t, http.StatusOK, "")
		token := c.Token()
		tokens := make(chan string, 8)
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				name, password := "bob", demo.BobPassword
				if i%2 == 0 {
					name, password = "alice", demo.AlicePassword
				}
				got, err := l.with(t, token).Try("POST", "/api/login", jsonHeader(), credentials(name, password))
				if err != nil {
					t.Error(err)
					return
				}
				wantsNothingOf(t, got)
				tokens <- tokenOf(got)
			})
		}
		group.Wait()
		close(tokens)
		for fresh := range tokens {
			if fresh == "" {
				continue
			}
			got := l.with(t, fresh).Do("GET", "/api/entries", jsonHeader(), "")
			if shows(got, "alice") {
				t.Fatalf("a password was enough for alice's ledger: %s", got.Text)
			}
			if shows(got, "bob") {
				opened++
			}
		}
	}
	if opened == 0 {
		t.Error("no login as bob opened a session: the test proves nothing")
	}
}

// TestP5_WrongPasswordKeepsTheForm: a login claims the stranger's cookies for itself. A user who mistypes must not lose
// by that: the next attempt still has the app's form session.
func TestP5_WrongPasswordKeepsTheForm(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{ElevateInPlace: true}, "", site.Options{})
	c := l.Client(t)
	c.Get("/files").Wants(t, http.StatusSeeOther, "/login")
	page := c.Get("/login")
	form := url.Values{"username": {"alice"}, "password": {"wrong"}, "csrf": {site.Find(t, csrfField, page.Text)}}
	for range 3 {
		if got := c.Post("/login", form).Wants(t, http.StatusOK, ""); !strings.Contains(got.Text, "Wrong user name or password") {
			t.Fatalf("the app's form session was lost: %s", got.Text)
		}
	}
	form.Set("password", demo.AlicePassword)
	c.Post("/login", form).Wants(t, http.StatusSeeOther, "/files")
	wantsEntries(t, c, "alice")
}
