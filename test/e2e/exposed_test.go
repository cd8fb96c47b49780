package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

// exposedBlock is noticesBlock with a challenge that is open only for a short time.
const exposedBlock = noticesBlock + `
		pending 2s
`

// exposures returns how often the audit log says that a password is exposed.
func (l *ledger) exposures() (count int) {
	for line := range strings.Lines(l.Log()) {
		if strings.Contains(line, `"logger":"second_factor.audit"`) && strings.Contains(line, `"event":"password_exposed"`) {
			count++
		}
	}
	return count
}

// wantsExposures waits until the log says so that often, and then checks for a while that it says so no more often.
func (l *ledger) wantsExposures(t testing.TB, count int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for l.exposures() < count && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if got := l.exposures(); got != count {
		t.Fatalf("a password was exposed %d times, want %d", got, count)
	}
}

// ended waits until the challenge has ended.
func ended(t testing.TB, c *site.Client) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for strings.Contains(c.Status(), `"pending"`) {
		if time.Now().After(deadline) {
			t.Fatal("the challenge does not end")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestPasswordExposed: a thief has the password and no factor. When his challenge has ended, the owner is told by mail,
// and the log has it, although no further request comes. At her next sign-in she is asked whether it was she. Her "no"
// ends her other sessions and leads to where the password is changed.
func TestPasswordExposed(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	l := noticed(t, server.SMTP, exposedBlock)
	c, authenticator := l.verified(t, "alice", demo.AlicePassword)
	server.Wait(1)
	other := l.Client(t)
	signIn(t, other, "alice", demo.AlicePassword)
	other.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")

	thief := l.Client(t)
	thief.Header = http.Header{"User-Agent": {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"}}
	signIn(t, thief, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	l.wantsExposures(t, 1)
	wantsNotice(t, server, 2, "alice@example.com", "Somebody knows your password", "Chrome, Windows", "127.0.0.1", "/account/password")

	// A challenge that ends in her own browser, in which she was seen before, is not reported.
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword)
	ended(t, c)
	// The settings page shows it, and so does the next sign-in, before the page that she wanted.
	if page := other.Get("/second-factor/"); !strings.Contains(page.Text, `href="/second-factor/exposed"`) {
		t.Error("the settings page does not show it")
	}
	signIn(t, c, "alice", demo.AlicePassword)
	c.Own("/challenge", "/challenge", url.Values{"code": {authenticator.Code(t)}, "then": {"ask"}}).Wants(t, http.StatusSeeOther, "/second-factor/exposed")
	page := c.Get("/second-factor/exposed").Wants(t, http.StatusOK, "")
	if !strings.Contains(page.Text, `data-event="password_exposed"`) || !strings.Contains(page.Text, "Chrome, Windows") {
		t.Errorf("the page does not say which sign-in: %s", page.Text)
	}
	c.Own("/exposed", "/exposed", url.Values{"whose": {"perhaps"}}).Wants(t, http.StatusBadRequest, "")
	c.Post("/second-factor/exposed", url.Values{"whose": {"other"}}).Wants(t, http.StatusForbidden, "")
	c.Own("/exposed", "/exposed", url.Values{"whose": {"other"}}).Wants(t, http.StatusSeeOther, "/second-factor/exposed?ended")
	if page := c.Get("/second-factor/exposed?ended"); !strings.Contains(page.Text, `href="/account/password"`) {
		t.Errorf("the page does not lead to where the password is changed: %s", page.Text)
	}
	if status := other.Status(); !strings.Contains(status, `"anonymous"`) {
		t.Errorf("the other session goes on: %s", status)
	}
	c.Own("/exposed?ended", "/exposed", url.Values{"whose": {"continue"}}).Wants(t, http.StatusSeeOther, "/")
	if page := c.Get("/second-factor/"); strings.Contains(page.Text, `href="/second-factor/exposed"`) {
		t.Error("the settings page still shows it")
	}

	// From the same place on the same day it is not reported again, however often he tries, and whatever she answered.
	for range 3 {
		thief = l.Client(t)
		signIn(t, thief, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		thief.SignOut()
	}
	l.wantsExposures(t, 1)
	if messages, err := server.Messages(); err != nil || len(messages) != 2 {
		t.Errorf("%d messages, want 2: %v", len(messages), err)
	}
}

// TestPasswordExposedBySignOut: a sign-out at the challenge is reported at once, and "it was me" ends no session.
func TestPasswordExposedBySignOut(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\t\tchange_password /account/password\n", site.Options{})
	c, authenticator := l.verified(t, "alice", demo.AlicePassword)
	elsewhere := l.Client(t)
	signIn(t, elsewhere, "alice", demo.AlicePassword)
	elsewhere.SignOut()
	l.wantsExposures(t, 1)
	again := l.Client(t)
	signIn(t, again, "alice", demo.AlicePassword)
	again.Own("/challenge", "/challenge", url.Values{"code": {authenticator.Code(t)}, "then": {"ask"}}).Wants(t, http.StatusSeeOther, "/second-factor/exposed")
	again.Own("/exposed", "/exposed", url.Values{"whose": {"mine"}}).Wants(t, http.StatusSeeOther, "/")
	if status := c.Status(); !strings.Contains(status, `"verified"`) {
		t.Errorf("her other session ended: %s", status)
	}
	again.Get("/second-factor/exposed").Wants(t, http.StatusSeeOther, "/second-factor/")
}

// TestP4_NobodyElseExposes: an attacker without the password tries to alarm the owner with false warnings. No request
// without the right password causes one, and neither does a sign-in whose factor is proved. The control is
// TestPasswordExposed.
func TestP4_NobodyElseExposes(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\t\tpending 1s\n\t\tchange_password /account/password\n", site.Options{})
	owner, authenticator := l.verified(t, "alice", demo.AlicePassword)
	cookies := owner.Token()
	stranger := l.Client(t)
	for _, password := range []string{"", "wrong", demo.BobPassword, demo.AlicePassword + " "} {
		signIn(t, stranger, "alice", password)
	}
	stranger.Get("/second-factor/challenge")
	stranger.Post("/second-factor/logout", nil)
	stranger.SetCookie("sallyport-known", "AAAAAAAAAAAAAAAAAAAAAA~"+strings.Repeat("x", 200))
	stranger.Get("/")
	// Bob has no factor: his password alone opens his account, and nothing is owed.
	bob := l.Client(t)
	signIn(t, bob, "bob", demo.BobPassword)
	bob.SignOut()
	// In a new browser of hers the factor is proved in time.
	fresh := l.Client(t)
	signIn(t, fresh, "alice", demo.AlicePassword)
	fresh.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	fresh.SignOut()
	// Later, in the same browser, in which she was seen before, the challenge ends.
	signIn(t, fresh, "alice", demo.AlicePassword)
	ended(t, fresh)
	if owner.Token() != cookies {
		t.Error("the owner's session has changed")
	}
	// Wait for a real warning, about bob's password: warnings about the above would have come before it.
	l.verified(t, "bob", demo.BobPassword)
	signIn(t, l.Client(t), "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	l.wantsExposures(t, 1)
	if !strings.Contains(l.Log(), `"event":"password_exposed","app":"ledger","user":"bob"`) {
		t.Error("the warning is not about bob")
	}
}

// TestPasswordExposedOverARestart: the gateway that received the password was killed while the challenge was open. The
// user's next proof reports it.
func TestPasswordExposedOverARestart(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, ledgerBlock+"\t\tpending 2s\n\t\tchange_password /account/password\n", site.Options{})
	_, authenticator := l.verified(t, "alice", demo.AlicePassword)
	thief := l.Client(t)
	signIn(t, thief, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	began := time.Now()
	l.Kill()
	l.Run()
	for time.Since(began) < 3*time.Second { // by then the challenge has ended, by the clock of the process
		time.Sleep(50 * time.Millisecond)
	}
	c := l.Client(t)
	signIn(t, c, "alice", demo.AlicePassword)
	c.Own("/challenge", "/challenge", url.Values{"code": {authenticator.Code(t)}, "then": {"ask"}}).Wants(t, http.StatusSeeOther, "/second-factor/exposed")
	l.wantsExposures(t, 1)
}
