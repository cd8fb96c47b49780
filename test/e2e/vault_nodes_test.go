package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// twoGateways makes two processes in front of one app, with the same options; f may stand in between.
func twoGateways(t *testing.T, f *flowing, options site.Options) [2]*ledger {
	t.Helper()
	app := demo.New(demo.Options{Knobs: demo.Knobs{Record: 200}})
	t.Cleanup(app.Close)
	f.app = app
	upstream := site.Serve(t, f)
	var gateways [2]*ledger
	for i := range gateways {
		gateways[i] = &ledger{site.Start(t, upstream, ledgerBlock, options), app}
	}
	return gateways
}

// TestP7_TwoGatewaysOneCode: the attacker sends one code in many sessions at the same moment, half of them at another
// gateway. One gets in. Then he guesses at both in turn: they share one count.
func TestP7_TwoGatewaysOneCode(t *testing.T) {
	t.Parallel()
	gateways := twoGateways(t, new(flowing), site.Options{Secrets: newVault(t, true, vault.Options{}).line()})
	owner, authenticator := gateways[0].verified(t, "alice", demo.AlicePassword)
	owner.SignOut()
	clients := make([]*site.Client, session.MaxWaiting)
	for i := range clients {
		clients[i] = gateways[i%2].challenged(t, "alice", demo.AlicePassword)
	}
	code := authenticator.Code(t)
	counts := statuses(atOnce(t, len(clients), func(i int) (site.Answer, error) { return tryCode(clients[i], "/challenge", code) }))
	if counts[http.StatusNoContent] != 1 || counts[http.StatusNoContent]+counts[http.StatusUnprocessableEntity]+counts[http.StatusTooManyRequests]+counts[http.StatusServiceUnavailable] != len(clients) {
		t.Errorf("one code in many sessions at two gateways: %v", counts)
	}
	wantsOneVerified(t, clients)
	t.Logf("at once: %v", counts)

	bob, second := gateways[1].verified(t, "bob", demo.BobPassword)
	bob.SignOut()
	wrong := otherThan(t, second.Key, skew)
	for i := range 5 {
		c := gateways[i%2].challenged(t, "bob", demo.BobPassword)
		c.Own("/challenge", "/challenge", url.Values{"code": {wrong}}).Wants(t, http.StatusUnprocessableEntity, "")
	}
	for _, gateway := range gateways {
		wantsThrottled(t, gateway.challenged(t, "bob", demo.BobPassword).Pass(second))
	}
}

// TestP7_TwoGatewaysTwoEnrolments: two sessions of one user, one at each gateway, confirm a seed at the same moment.
// One wins, and its seed is that of the QR code which its user saw. The other seed is worth nothing anywhere.
func TestP7_TwoGatewaysTwoEnrolments(t *testing.T) {
	t.Parallel()
	gateways := twoGateways(t, new(flowing), site.Options{Secrets: newVault(t, false, vault.Options{}).line()})
	for round := range 5 {
		var clients [2]*site.Client
		var authenticators [2]*site.Authenticator
		var forms [2]string
		for i := range clients {
			c := gateways[i].Client(t)
			signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
			c.Own("/", "/setup", nil).Wants(t, http.StatusSeeOther, "/second-factor/setup")
			page := c.Get("/second-factor/setup").Text
			clients[i], authenticators[i] = c, site.NewAuthenticator(site.Find(t, site.Secret, page), skew)
			forms[i] = url.Values{"code": {authenticators[i].Code(t)}, "csrf_token": {site.Find(t, site.OwnToken, page)}}.Encode()
		}
		answers := atOnce(t, 2, func(i int) (site.Answer, error) {
			return clients[i].Try(http.MethodPost, "/second-factor/setup/confirm", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, forms[i])
		})
		var winners []int
		for i, a := range answers {
			if a.StatusCode == http.StatusSeeOther && a.Location() == "/second-factor/recovery-codes" {
				winners = append(winners, i)
			}
		}
		if len(winners) != 1 {
			t.Fatalf("round %d: %d enrolments were confirmed", round, len(winners))
		}
		winner := winners[0]
		c := gateways[1-winner].challenged(t, "alice", demo.AlicePassword)
		c.Pass(authenticators[1-winner]).Wants(t, http.StatusUnprocessableEntity, "")
		c.Pass(authenticators[winner]).Wants(t, http.StatusSeeOther, "/")
		c.Own("/disable", "/disable", url.Values{"code": {authenticators[winner].Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	}
}

// TestVault_StrangeNames: users whose names try to reach other records have their own records, and no others.
func TestVault_StrangeNames(t *testing.T) {
	t.Parallel()
	v := newVault(t, true, vault.Options{})
	names := []string{"../bob", "a/b", "*", "+", "bob?version=1", "metadata", strings.Repeat("x", 300), "Ünï çødé 名前 👩", "%2e%2e", "session-key"}
	users := demo.DefaultUsers()
	for _, name := range names {
		users = append(users, demo.User{Login: name, Name: "N", Password: "a-password"})
	}
	app := demo.New(demo.Options{Users: users})
	t.Cleanup(app.Close)
	l := &ledger{site.Start(t, site.Serve(t, app), ledgerBlock, site.Options{Secrets: v.line()}), app}
	l.enrolled(t, "bob", demo.BobPassword)
	for i, name := range names {
		c := l.Client(t)
		if got := signIn(t, c, name, "a-password"); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q: %d %.400s", name, got.StatusCode, got.Text)
		}
		if state := c.Status(); !strings.Contains(state, `"enrolled":false`) {
			t.Fatalf("%q has somebody else's record: %s", name, state)
		}
		authenticator, _ := c.Enrol(skew)
		c.SignOut()
		l.challenged(t, name, "a-password").Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
		listed, err := v.Client().Logical().List("secret/metadata/sallyport/ledger")
		if err != nil || listed == nil || len(listed.Data["keys"].([]any)) != i+2 {
			t.Errorf("after %q: %v, %v", name, listed, err)
		}
	}
	top, err := v.Client().Logical().List("secret/metadata")
	if err != nil || fmt.Sprint(top.Data["keys"]) != "[sallyport/]" {
		t.Errorf("at the mount's top: %v, %v", top, err)
	}
}

// TestVault_Standby: the gateway is given the address of a standby, which forwards or redirects. It goes on when
// another node becomes active.
func TestVault_Standby(t *testing.T) {
	t.Parallel()
	v := newVault(t, false, vault.Options{Standby: true})
	address := v.Address
	v.Server.Node.Address = v.Standby.Address // line() sends the gateway there
	l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: v.line()})
	v.Server.Node.Address = address
	c, authenticator := l.verified(t, "alice", demo.AlicePassword)
	c.SignOut()
	v.Seal()
	v.Standby.AwaitActive()
	within(t, secondsToLog, "the other node at work", func() bool {
		answer := signIn(t, l.Client(t), "alice", demo.AlicePassword)
		return answer.StatusCode == http.StatusSeeOther && answer.Location() == "/second-factor/challenge"
	})
	l.challenged(t, "alice", demo.AlicePassword).Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
}

// TestVault_NewCertificate: Vault gets a certificate of another authority. The gateway accepts nothing from it until
// the operator has put the new authority's certificate into the file. Then everything goes on without a restart.
func TestVault_NewCertificate(t *testing.T) {
	t.Parallel()
	v := newVault(t, false, vault.Options{TLS: true})
	trusted := v.CACert()
	l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: v.line("timeout 1s")})
	l.enrolled(t, "alice", demo.AlicePassword)
	v.NewCertificate(vault.Certificate{})
	v.Down() // otherwise existing connections stay trusted
	v.Up()
	wantsAway(t, "sign-in", signIn(t, l.Client(t), "alice", demo.AlicePassword))
	within(t, secondsToLog, "the reason in the log", func() bool { return strings.Contains(l.Log(), "certificate was not accepted") })
	text, err := os.ReadFile(v.CACert())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(trusted, text, 0o600); err != nil {
		t.Fatal(err)
	}
	within(t, 2*time.Second, "recovery", func() bool {
		return signIn(t, l.Client(t), "alice", demo.AlicePassword).Location() == "/second-factor/challenge"
	})
}

// TestVault_TokenRevoked: the gateway's token is revoked while it works. It signs in again with what it has, and nobody
// notices. When the secret ID is no longer valid either, everybody is told to come back later, and signed-in users work
// on.
func TestVault_TokenRevoked(t *testing.T) {
	t.Parallel()
	v := newVault(t, false, vault.Options{})
	l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: v.line()})
	verified, authenticator := l.verified(t, "alice", demo.AlicePassword)
	logical := v.Client().Logical()
	revoke := func() {
		if _, err := logical.Write("sys/leases/revoke-prefix/auth/approle", map[string]any{"sync": true}); err != nil {
			t.Fatal(err)
		}
	}
	revoke()
	l.challenged(t, "alice", demo.AlicePassword).Pass(authenticator).Wants(t, http.StatusSeeOther, "/")

	if err := os.WriteFile(v.secretFile, []byte("worth-nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	revoke()
	wantsAway(t, "sign-in", signIn(t, l.Client(t), "alice", demo.AlicePassword))
	verified.Get("/files").Wants(t, http.StatusOK, "")
	if strings.Contains(l.Log(), "worth-nothing") {
		t.Error("the secret ID is in the log")
	}
	if err := os.WriteFile(v.secretFile, []byte(v.secret), 0o600); err != nil {
		t.Fatal(err)
	}
	within(t, 2*time.Second, "recovery", func() bool {
		return signIn(t, l.Client(t), "alice", demo.AlicePassword).Location() == "/second-factor/challenge"
	})
}
