package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP8_FormOfADeadSession: all but the last byte of one of the gateway's own forms is sent. The session in which it
// began then ends, by signing out, by another login, or because its user has enrolled elsewhere. The rest of the form
// comes afterwards and must do nothing. Otherwise mallory, who has alice's password from before she enrolled, could set
// up a factor of his own at the moment when she has disabled hers.
func TestP8_FormOfADeadSession(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	mallory := l.Client(t)
	signIn(t, mallory, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	mallory.Own("/", "/setup", nil).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	page := mallory.Get("/second-factor/setup").Text
	his := site.NewAuthenticator(site.Find(t, site.Secret, page), skew)
	slow := l.hold(t, mallory.Token(), "POST", "/second-factor/setup/confirm", formType, codeForm(site.Find(t, site.OwnToken, page), his.Code(t)))

	alice, hers := l.verified(t, "alice", demo.AlicePassword)
	wantsState(t, mallory, "anonymous", "")
	alice.Own("/disable", "/disable", url.Values{"code": {hers.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")

	late := slow.finish()
	if late.StatusCode != http.StatusSeeOther || late.Location() != "/login" {
		t.Errorf("the late form: %d to %q", late.StatusCode, late.Location())
	}
	if status := alice.Status(); strings.Contains(status, `"enrolled":true`) {
		t.Fatalf("a dead session has set up a factor: %s", status)
	}
	wantsEntries(t, alice, "alice")

	// The control: in a living session the same late form does its work.
	alice.Own("/", "/setup", nil).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	page = alice.Get("/second-factor/setup").Text
	again := site.NewAuthenticator(site.Find(t, site.Secret, page), skew)
	slow = l.hold(t, alice.Token(), "POST", "/second-factor/setup/confirm", formType, codeForm(site.Find(t, site.OwnToken, page), again.Code(t)))
	slow.finish().Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
}

// TestP8_CodeOfADeadSession: a code is held back until its session has ended by sign-out. It then opens nothing.
func TestP8_CodeOfADeadSession(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	c, authenticator := l.pending(t, "alice", demo.AlicePassword)
	for _, ends := range []bool{true, false} {
		token := c.Token()
		csrf := site.Find(t, site.OwnToken, c.Get("/second-factor/challenge").Text)
		slow := l.hold(t, token, "POST", "/second-factor/challenge", formType, codeForm(csrf, authenticator.Code(t)))
		if !ends {
			slow.finish().Wants(t, http.StatusSeeOther, "/")
			return
		}
		c.SignOut()
		late := slow.finish().Wants(t, http.StatusSeeOther, "/login")
		if fresh := tokenOf(late); fresh != "" {
			wantsState(t, l.with(t, fresh), "anonymous", "")
		}
		wantsState(t, l.with(t, token), "anonymous", "")
		signIn(t, c, "alice", demo.AlicePassword)
	}
}

// TestP8_SlowAnswerAfterVerification: slow requests of a stranger's session and of a pending session end after the
// login and after the challenge, and their answers set cookies. The tokens that they came with stay dead, and what they
// set goes into no session; otherwise a thief who had the old token could come back with it. The cookies that the
// stranger's request carried went out with the login too. The answer to that request may therefore be one to the user
// who signed in, and is withheld.
func TestP8_SlowAnswerAfterVerification(t *testing.T) {
	t.Parallel()
	var gate *doors
	l := newWrapped(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+"\n\t\tpublic /static/* /slow\n", func(app *demo.App) http.Handler {
		gate = newDoors(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/slow" {
				app.ServeHTTP(w, r)
				return
			}
			http.SetCookie(w, &http.Cookie{Name: "late", Value: "1", Path: "/", HttpOnly: true})
			_, _ = w.Write([]byte("slow"))
		}), func(r *http.Request) bool { return r.URL.Path == "/slow" })
		return gate
	})
	authenticator := l.enrolled(t, "alice", demo.AlicePassword)
	slow := func(token string) chan site.Answer {
		done := make(chan site.Answer, 1)
		go func() {
			got, err := l.with(t, token).Try("GET", "/slow", nil, "")
			if err != nil {
				t.Error(err)
			}
			done <- got
		}()
		gate.wait(t)
		return done
	}
	finish := func(done chan site.Answer, token, want string) {
		t.Helper()
		gate.open <- struct{}{}
		got := <-done
		if got.Text != want {
			t.Errorf("the slow answer is %d %q, want %q", got.StatusCode, got.Text, want)
		}
		if fresh := tokenOf(got); fresh != "" {
			wantsState(t, l.with(t, fresh), "anonymous", "")
		}
		wantsState(t, l.with(t, token), "anonymous", "")
		wantsShut(t, l.with(t, token))
	}
	c := l.Client(t)
	c.Get("/login").Wants(t, http.StatusOK, "")
	stranger := c.Token()
	first := slow(stranger)
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	finish(first, stranger, "")

	pending := c.Token()
	second := slow(pending)
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	finish(second, pending, "slow")
	wantsState(t, c, "verified", "alice")
	wantsEntries(t, c, "alice")
}

// TestP8_EnrolmentByTheOther: mallory knows alice's password. What he began in sessions of his own, before she enrolled
// and while her session is pending, must not set up a factor for her account.
func TestP8_EnrolmentByTheOther(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	early := l.Client(t)
	signIn(t, early, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	early.Own("/", "/setup", nil).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	page := early.Get("/second-factor/setup").Text
	his := site.NewAuthenticator(site.Find(t, site.Secret, page), skew)
	confirm := codeForm(site.Find(t, site.OwnToken, page), his.Code(t))
	token := early.Token()

	alice, hers := l.pending(t, "alice", demo.AlicePassword)
	wantsState(t, l.with(t, token), "anonymous", "")
	l.with(t, token).Do("POST", "/second-factor/setup/confirm", http.Header{"Content-Type": {formType}}, confirm).Wants(t, http.StatusSeeOther, "/login")

	late := l.Client(t)
	signIn(t, late, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	csrf := site.Find(t, site.OwnToken, late.Get("/second-factor/challenge").Text)
	for _, path := range []string{"/setup", "/setup/confirm", "/reset", "/disable", "/recovery-codes"} {
		got := late.Do("POST", "/second-factor"+path, http.Header{"Content-Type": {formType}}, codeForm(csrf, his.Code(t)))
		if got.StatusCode != http.StatusSeeOther || got.Location() != "/second-factor/challenge" {
			t.Errorf("POST %s in a pending session: %d to %q", path, got.StatusCode, got.Location())
		}
		if got := late.Get("/second-factor" + path); got.StatusCode == http.StatusOK {
			t.Errorf("GET %s in a pending session: %s", path, got.Text)
		}
	}
	late.Pass(his).Wants(t, http.StatusUnprocessableEntity, "")
	alice.Pass(hers).Wants(t, http.StatusSeeOther, "/")
	wantsEntries(t, alice, "alice")
	wantsState(t, late, "pending", "alice")
}
