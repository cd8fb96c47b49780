package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// resetLink returns the address in a password-reset mail.
func (l *ledger) resetLink(t testing.TB, name string) string {
	t.Helper()
	token, err := l.app.ResetToken(name)
	if err != nil {
		t.Fatal(err)
	}
	return "/reset?token=" + url.QueryEscape(token)
}

// TestP5_ResetLinkInEverySession: mallory can read alice's mail, and so has a link that signs in as her without a
// password. He opens it as a stranger, in a pending session, and in a verified one of his own, with the link's path
// public and not, with and without identity. Her account stays closed without her factor, and his own factor is worth
// nothing for it.
func TestP5_ResetLinkInEverySession(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines    string
		identity bool
	}{
		"public":                       {formLogin + jsonLogin + askIdentity + resetPublic, true},
		"not public":                   {formLogin + jsonLogin + askIdentity + staticPublic, true},
		"public, no identity":          {typedLogins + resetPublic, false},
		"not public, without identity": {typedLogins + staticPublic, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, demo.Knobs{}, commonLines+test.lines, site.Options{})
			alice := l.enrolled(t, "alice", demo.AlicePassword)
			bob := l.enrolled(t, "bob", demo.BobPassword)

			stranger := l.Client(t)
			got := stranger.Get(l.resetLink(t, "alice"))
			wantsNothingOf(t, got)
			if shows(got, "alice") && test.identity {
				t.Errorf("a stranger is shown alice's account: %d", got.StatusCode)
			}
			wantsShut(t, stranger)

			pending := l.Client(t)
			signIn(t, pending, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			wantsNothingOf(t, pending.Get(l.resetLink(t, "alice")))
			wantsShut(t, pending)
			if strings.Contains(pending.Status(), `"user":"alice"`) {
				pending.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
				wantsShut(t, pending)
			} else {
				pending.Pass(bob).Wants(t, http.StatusSeeOther, "")
				wantsEntries(t, pending, "bob")
			}

			verified := l.Client(t)
			signIn(t, verified, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			verified.Pass(bob).Wants(t, http.StatusSeeOther, "/")
			got = verified.Get(l.resetLink(t, "alice"))
			wantsNothingOf(t, got)
			wantsShut(t, verified)
			if test.identity {
				got.Wants(t, http.StatusSeeOther, "/second-factor/challenge")
				wantsState(t, verified, "pending", "alice")
				verified.Pass(alice).Wants(t, http.StatusSeeOther, "/")
				wantsEntries(t, verified, "alice")
				return
			}
			got.Wants(t, http.StatusSeeOther, "/login")
			wantsState(t, verified, "anonymous", "")
			signIn(t, verified, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			verified.Pass(bob).Wants(t, http.StatusSeeOther, "")
			if got := verified.Get("/api/entries"); shows(got, "alice") {
				t.Errorf("bob's factor opened alice's account: %s", got.Text)
			}
		})
	}
}

// TestP5_RegistrationSignsIn: many apps sign in a user who registers, on a public path that is no login. The user whom
// the app names is asked for the factor. A user without a factor goes on, with the app's session in custody; if
// everyone must have a factor, it has to be set up first. The account here already exists, as with apps that take a
// registration for another spelling of a name.
func TestP5_RegistrationSignsIn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ lines, user, state, location string }{
		"enrolled":     {"", "alice", "pending", "/second-factor/challenge"},
		"not enrolled": {"", "bob", "verified", "/"},
		"required":     {"\n\t\trequire everyone\n", "bob", "enrolling", "/second-factor/setup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newWrapped(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+resetPublic+test.lines, func(app *demo.App) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/register" && r.Method == http.MethodPost {
						token, err := app.ResetToken(r.PostFormValue("name"))
						if err != nil {
							http.Error(w, "no", http.StatusBadRequest)
							return
						}
						r = r.Clone(r.Context())
						r.Method, r.URL.Path, r.URL.RawQuery = http.MethodGet, "/reset", "token="+token
					}
					app.ServeHTTP(w, r)
				})
			})
			if test.user == "alice" {
				l.enrolled(t, "alice", demo.AlicePassword)
			}
			c := l.Client(t)
			c.Get("/login").Wants(t, http.StatusOK, "")
			before := c.Token()
			got := c.Post("/register", url.Values{"name": {test.user}}).Wants(t, http.StatusSeeOther, test.location)
			wantsNothingOf(t, got)
			wantsState(t, c, test.state, test.user)
			wantsState(t, l.with(t, before), "anonymous", "")
			if test.state == "verified" {
				wantsEntries(t, c, test.user)
				return
			}
			wantsShut(t, c)
		})
	}
}

// TestP5_ElevationAtAForgottenLogin documents what contract 4.2 leaves open. The app signs its sessions in in place,
// without a cookie, and one of its logins is not described. With identity the next check (here, each request is one)
// notices this before any byte. Without identity nobody can notice it, and the start-up log says so. A described login
// is safe with both.
func TestP5_ElevationAtAForgottenLogin(t *testing.T) {
	t.Parallel()
	t.Run("identity", func(t *testing.T) {
		t.Parallel()
		l := newLedger(t, demo.Knobs{ElevateInPlace: true}, commonLines+formLogin+askIdentity+staticPublic+"\n\t\trecheck 1ns\n", site.Options{})
		l.enrolled(t, "alice", demo.AlicePassword)
		c, bob := l.verified(t, "bob", demo.BobPassword)
		wantsEntries(t, c, "bob")
		signInScript(c, "alice", demo.AlicePassword)
		if got := c.Get("/api/entries"); got.StatusCode != http.StatusSeeOther || shows(got, "alice") {
			t.Fatalf("%d %s", got.StatusCode, got.Text)
		}
		wantsState(t, c, "pending", "alice")
		c.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
		wantsShut(t, c)
	})
	t.Run("described, without identity", func(t *testing.T) {
		t.Parallel()
		l := newLedger(t, demo.Knobs{ElevateInPlace: true}, commonLines+"\n\t\tidentity typed\n\t\tlogin_page /login\n"+typedJSON+staticPublic, site.Options{})
		l.enrolledByScript(t, "alice", demo.AlicePassword)
		c, bob := l.verifiedByScript(t, "bob", demo.BobPassword)
		wantsEntries(t, c, "bob")
		if got := signInScript(c, "alice", demo.AlicePassword); got.StatusCode != http.StatusUnauthorized || shows(got, "alice") {
			t.Fatalf("%d %s", got.StatusCode, got.Text)
		}
		wantsState(t, c, "pending", "alice")
		c.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
		wantsShut(t, c)
		if !strings.Contains(l.Log(), "a sign-in by another way than the logins described is known only by a changed cookie") {
			t.Error("the start-up log does not say what stays open")
		}
	})
}

// TestP5_SwitchedAndEndedInTheApp: an administrator of the app becomes another user in his session, and the app ends
// sessions by itself. Both are noticed at the next check, before one byte of the answer.
func TestP5_SwitchedAndEndedInTheApp(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic+"\n\t\trecheck 1ns\n", site.Options{})
	alice := l.enrolled(t, "alice", demo.AlicePassword)
	c, bob := l.verified(t, "bob", demo.BobPassword)
	wantsEntries(t, c, "bob")
	if l.app.SwitchSessions("bob", "alice") == 0 {
		t.Fatal("bob has no session in the app")
	}
	token := c.Token()
	l.app.ForgetReceived()
	if got := c.PostJSON("/api/entries", `{"text":"stolen","amount":"1"}`); got.StatusCode != http.StatusUnauthorized || shows(got, "alice") {
		t.Fatalf("%d %s", got.StatusCode, got.Text)
	}
	if l.loginsReceived() != 0 {
		t.Error("what bob sent was done in alice's name")
	}
	wantsState(t, l.with(t, token), "anonymous", "")
	wantsState(t, c, "pending", "alice")
	c.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
	c.Pass(alice).Wants(t, http.StatusSeeOther, "")
	wantsEntries(t, c, "alice")

	if l.app.EndSessions("alice") == 0 {
		t.Fatal("alice has no session in the app")
	}
	token = c.Token()
	c.Get("/files").Wants(t, http.StatusSeeOther, "/login")
	wantsState(t, c, "anonymous", "")
	wantsState(t, l.with(t, token), "anonymous", "")
}
