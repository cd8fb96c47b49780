package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

const (
	secondsToLog = 20 * time.Second
	hour         = time.Hour

	carolPassword = "carol-password"
)

// trouble is a fault that Vault can have.
type trouble struct {
	begin func(*vaultSecrets)
	end   func(*vaultSecrets)
}

func struck(all ...vault.Fault) trouble {
	return trouble{func(v *vaultSecrets) { v.Faults(all...) }, func(v *vaultSecrets) { v.Clear() }}
}

// besieged are browsers at each step of the way when Vault gets into trouble.
type besieged struct {
	l *ledger
	v *vaultSecrets
	// fresh has not signed in yet, as alice, who is enrolled.
	fresh *site.Client
	// pending owes alice's code, verified has given it.
	pending, verified *site.Client
	alice             *site.Authenticator
	// enrolling is bob's browser, which is about to confirm a seed.
	enrolling *site.Client
	bob       *site.Authenticator
	// resetting is carol's browser, which is about to confirm a new seed.
	resetting   *site.Client
	carol, next *site.Authenticator
}

func (b *besieged) prepare(t *testing.T) {
	t.Helper()
	b.fresh, b.verified, b.enrolling, b.resetting = b.l.Client(t), b.l.Client(t), b.l.Client(t), b.l.Client(t)
	signIn(t, b.verified, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	b.alice, _ = b.verified.Enrol(skew)
	b.pending = b.l.challenged(t, "alice", demo.AlicePassword)

	signIn(t, b.enrolling, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/")
	b.enrolling.Own("/", "/setup", nil).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	b.bob = site.NewAuthenticator(site.Find(t, site.Secret, b.enrolling.Get("/second-factor/setup").Text), skew)

	signIn(t, b.resetting, "carol", carolPassword).Wants(t, http.StatusSeeOther, "/")
	b.carol, _ = b.resetting.Enrol(skew)
	b.resetting.Own("/reset", "/reset", url.Values{"code": {b.carol.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	b.next = site.NewAuthenticator(site.Find(t, site.Secret, b.resetting.Get("/second-factor/setup").Text), skew)
}

// form posts to one of the gateway's own pages with a form token that was read before the trouble began.
type form struct {
	c      *site.Client
	to     string
	values url.Values
}

func (b *besieged) form(t *testing.T, c *site.Client, from, to, code string) form {
	t.Helper()
	values := url.Values{"csrf_token": {site.Find(t, site.OwnToken, c.Get("/second-factor"+from).Text)}}
	if code != "" {
		values.Set("code", code)
	}
	return form{c, "/second-factor" + to, values}
}

func (f form) send() site.Answer { return f.c.Post(f.to, f.values) }

// wantsAway fails the test unless the answer is the page that says to try again: no page of the app, no enrolment, no
// challenge.
func wantsAway(t *testing.T, doing string, a site.Answer) {
	t.Helper()
	wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.StatusCode != http.StatusServiceUnavailable || err != nil || wait < 1 || wait > 60 || shows(a, "alice") || strings.Contains(a.Text, `id="qr"`) {
		t.Errorf("%s: %d, Retry-After %q: %.300s", doing, a.StatusCode, a.Header.Get("Retry-After"), a.Text)
	}
}

// TestP6_VaultInTrouble: Vault fails in one way or another while users are at each step. Nobody gets in, no enrolled
// user is asked to enrol, and everybody is told to try again. Users who are already signed in work on. Within two
// seconds after Vault's return everything goes on, without a restart, from the step where each user was: old seeds, new
// seeds and counts are what they were.
func TestP6_VaultInTrouble(t *testing.T) {
	t.Parallel()
	const kv = "/v1/secret/*"
	for name, test := range map[string]trouble{
		"sealed":           {func(v *vaultSecrets) { v.Seal() }, func(v *vaultSecrets) { v.Unseal(); v.AwaitActive() }},
		"stopped":          {func(v *vaultSecrets) { v.Down() }, func(v *vaultSecrets) { v.Up() }},
		"killed":           {func(v *vaultSecrets) { v.Kill() }, func(v *vaultSecrets) { v.Restart() }},
		"slow":             struck(vault.Fault{Path: kv, Delay: hour}),
		"hangs up":         struck(vault.Fault{Path: kv, Cut: vault.Before}),
		"500":              struck(vault.Fault{Path: kv, Status: 500, Message: "internal error"}),
		"rate limited":     struck(vault.Fault{Path: kv, Status: 429}),
		"not found":        struck(vault.Fault{Path: kv, Status: 404, Message: "no handler for route"}),
		"a web page":       struck(vault.Fault{Path: kv, Status: 200, Body: "<html>Welcome to the hotel's network"}),
		"an empty answer":  struck(vault.Fault{Path: kv, Status: 200, Body: "{}"}),
		"data are null":    struck(vault.Fault{Method: "GET", Path: kv, Status: 200, Body: `{"data":{"data":null,"metadata":{"version":1}}}`}, vault.Fault{Path: kv, Status: 503}),
		"policy taken":     {takePolicy, givePolicy},
		"transit away":     struck(vault.Fault{Path: "/v1/transit/*", Status: 503}),
		"no active node":   struck(vault.Fault{Path: "/v1/*", Status: 503, Message: "Vault is in standby mode"}),
		"token is dead":    struck(vault.Fault{Path: "/v1/*", Status: 403}),
		"transit is slow":  struck(vault.Fault{Path: "/v1/transit/*", Delay: hour}),
		"rate-limit quota": {takeQuota, giveQuota},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := vault.Options{}
			if name == "killed" {
				options.Storage = vault.File
			}
			v := newVault(t, true, options)
			app := demo.New(demo.Options{Users: append(demo.DefaultUsers(), demo.User{Login: "carol", Name: "Carol", Password: carolPassword})})
			t.Cleanup(app.Close)
			b := &besieged{v: v, l: &ledger{site.Start(t, site.Serve(t, app), ledgerBlock, site.Options{Secrets: v.line("timeout 700ms")}), app}}
			b.prepare(t)
			b.inTrouble(t, test)
		})
	}
}

func (b *besieged) inTrouble(t *testing.T, test trouble) {
	t.Helper()
	login := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, b.fresh.Get("/login").Text)}}
	wrong := b.form(t, b.pending, "/challenge", "/challenge", otherThan(t, b.alice.Key, skew))
	right := b.form(t, b.pending, "/challenge", "/challenge", b.alice.Code(t))
	confirm := b.form(t, b.enrolling, "/setup", "/setup/confirm", b.bob.Code(t))
	replace := b.form(t, b.resetting, "/setup", "/setup/confirm", b.next.Code(t))
	disable := b.form(t, b.verified, "/disable", "/disable", b.alice.Code(t))
	b.verified.Get("/files").Wants(t, http.StatusOK, "")

	test.begin(b.v)
	wantsAway(t, "sign-in", b.fresh.Post("/login", login))
	if state := b.fresh.Status(); strings.Contains(state, "verified") || strings.Contains(state, "enrolling") {
		t.Errorf("after a sign-in without Vault: %s", state)
	}
	wantsShut(t, b.fresh)
	wantsAway(t, "a wrong code", wrong.send())
	wantsAway(t, "the right code", right.send())
	wantsShut(t, b.pending)
	wantsAway(t, "confirming a set-up", confirm.send())
	wantsAway(t, "confirming a reset", replace.send())
	wantsAway(t, "disabling", disable.send())
	wantsAway(t, "the settings page", b.verified.Get("/second-factor/"))
	b.verified.Get("/files").Wants(t, http.StatusOK, "")
	b.enrolling.Get("/files").Wants(t, http.StatusOK, "")

	test.end(b.v)
	back := time.Now()
	code := b.alice.Code(t)
	within(t, secondsToLog, "recovery", func() bool {
		answer, err := tryCode(b.pending, "/challenge", code)
		return err == nil && answer.StatusCode == http.StatusNoContent
	})
	if took := time.Since(back); took > 2*time.Second {
		t.Errorf("the gateway came back after %v, want two seconds at most", took)
	}
	b.pending.Get("/files").Wants(t, http.StatusOK, "")
	// Each goes on from the same step, with the codes that were not used up.
	b.fresh.SignOut()
	signIn(t, b.fresh, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	carol := b.l.challenged(t, "carol", carolPassword)
	carol.Pass(b.carol).Wants(t, http.StatusSeeOther, "/")
	carol.SignOut()
	b.enrolling.Own("/setup", "/setup/confirm", url.Values{"code": {b.bob.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	b.l.challenged(t, "bob", demo.BobPassword).Pass(b.bob).Wants(t, http.StatusSeeOther, "/")
}

// takePolicy removes the role's policy: the token lives but may do nothing any more.
func takePolicy(v *vaultSecrets) { v.Policy(rolePolicy, "# nothing") }

func givePolicy(v *vaultSecrets) { v.Policy(rolePolicy, v.policy) }

func takeQuota(v *vaultSecrets) {
	logical := v.Client().Logical()
	if _, err := logical.Write("sys/quotas/rate-limit/all", map[string]any{"rate": 0.001, "interval": "60s", "path": "secret/"}); err != nil {
		panic(fmt.Sprint("quota: ", err))
	}
	_, _ = logical.Read("secret/data/x") // uses it up
}

func giveQuota(v *vaultSecrets) {
	if _, err := v.Client().Logical().Delete("sys/quotas/rate-limit/all"); err != nil {
		panic(fmt.Sprint("quota: ", err))
	}
}
