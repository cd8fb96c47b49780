// Package e2e tests the whole product over the wire: the real binary, in front of the demo app and of real apps,
// attacked with everything that somebody who has only the password could think of.
package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// ledgerBlock is what the Caddyfile says about the demo app.
const ledgerBlock = `
		app ledger
		login /login {
			username form username
		}
		login /api/login {
			username json /user/name
		}
		identity /api/me json /login
		renews
		logout  /logout
		public  /static/* /favicon.ico
		protect /static/private/*
		pass    theme
		totp {
			skew 10
		}
`

// skew is the skew of ledgerBlock: it gives an authenticator twenty codes without waiting.
const skew = 10

// ledger is the demo app behind a gateway.
type ledger struct {
	*site.Site
	app *demo.App
}

// newLedger starts both. block replaces ledgerBlock unless it is empty.
func newLedger(t testing.TB, knobs demo.Knobs, block string, options site.Options) *ledger {
	t.Helper()
	if knobs.Record == 0 {
		knobs.Record = 200
	}
	app := demo.New(demo.Options{Knobs: typedKnobs(block, knobs)})
	t.Cleanup(app.Close)
	if block == "" {
		block = ledgerBlock
	}
	return &ledger{Site: site.Start(t, site.Serve(t, app), block, options), app: app}
}

// signIn types a password into the app's own form.
func signIn(t testing.TB, c *site.Client, name, password string) site.Answer {
	t.Helper()
	page := c.Get("/login")
	return c.Post("/login", url.Values{
		"username": {name}, "password": {password}, "csrf": {site.Find(t, csrfField, page.Text)},
	})
}

// pending makes a browser in which the password was typed and the factor is owed, and returns it with the factor.
func (l *ledger) pending(t testing.TB, name, password string) (*site.Client, *site.Authenticator) {
	t.Helper()
	c, authenticator := l.verified(t, name, password)
	c.SignOut()
	signIn(t, c, name, password).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	return c, authenticator
}

// verified makes a browser whose user has just enrolled.
func (l *ledger) verified(t testing.TB, name, password string) (*site.Client, *site.Authenticator) {
	t.Helper()
	c := l.Client(t)
	signIn(t, c, name, password).Wants(t, http.StatusSeeOther, "/")
	authenticator, _ := c.Enrol(skew)
	return c, authenticator
}

// TestWalk does the main job from one end to the other, by plain HTTP.
func TestWalk(t *testing.T) {
	newLedger(t, demo.Knobs{}, "", site.Options{}).walk(t)
}

// walk enrols, signs in with a code and with a recovery code, resets and disables.
func (l *ledger) walk(t *testing.T) {
	t.Helper()
	c := l.Client(t)
	c.Get("/files").Wants(t, http.StatusSeeOther, "/login")
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	if page := c.Get("/").Wants(t, http.StatusOK, ""); !strings.Contains(page.Text, "Alice") {
		t.Fatal("alice is not signed in")
	}
	authenticator, codes := c.Enrol(skew)
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes", len(codes))
	}
	c.SignOut()

	c.Get("/files").Wants(t, http.StatusSeeOther, "/login")
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Own("/challenge", "/challenge", url.Values{"code": {"000000"}}).Wants(t, http.StatusUnprocessableEntity, "")
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	c.Get("/files").Wants(t, http.StatusOK, "")
	if echo := c.Get("/echo"); !strings.Contains(echo.Text, `"X-Second-Factor"`) || !strings.Contains(echo.Text, `"totp"`) {
		t.Errorf("the app is not told: %s", echo.Text)
	}
	c.SignOut()

	signIn(t, c, "alice", demo.AlicePassword)
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusSeeOther, "/")
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword)
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).Wants(t, http.StatusUnprocessableEntity, "")
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")

	c.Own("/reset", "/reset", url.Values{"code": {authenticator.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	next := site.NewAuthenticator(site.Find(t, site.Secret, c.Get("/second-factor/setup").Text), skew)
	c.Own("/setup", "/setup/confirm", url.Values{"code": {next.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword)
	c.Pass(authenticator).Wants(t, http.StatusUnprocessableEntity, "")
	c.Pass(next).Wants(t, http.StatusSeeOther, "/")
	c.Own("/disable", "/disable", url.Values{"code": {next.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
}
