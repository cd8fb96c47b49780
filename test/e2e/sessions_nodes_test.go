package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// sessionServer is a server on which gateways share their sessions, behind a network that can fail.
type sessionServer struct {
	kind      string // the word in the Caddyfile
	network   *servers.Proxy
	address   string // as the Caddyfile has it, with the password
	kill, run func()
}

// line returns the `sessions` line of a Caddyfile, with further lines of its block.
func (s *sessionServer) line(more ...string) string {
	return fmt.Sprintf("sessions %s %s {\n%s\n}", s.kind, s.address, strings.Join(more, "\n"))
}

// onEachSessionServer runs a test on a server of each kind.
func onEachSessionServer(t *testing.T, test func(t *testing.T, s *sessionServer)) {
	t.Helper()
	for kind, start := range map[string]func(t *testing.T) *sessionServer{
		"redis": func(t *testing.T) *sessionServer {
			server := servers.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
			network := servers.NewProxy(t, server.Address)
			return &sessionServer{network: network, address: server.URL(network.Address), kill: server.Kill, run: server.Run}
		},
		"postgres": func(t *testing.T) *sessionServer {
			server := servers.StartPostgres(t)
			network := servers.NewProxy(t, server.Address)
			return &sessionServer{network: network, address: server.URL(network.Address, "postgres"), kill: server.Kill, run: server.Run}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.kind = kind
			test(t, s)
		})
	}
}

// carry gives a browser's session to a browser at another gateway, as happens when the load balancer sends the browser
// there.
func carry(t *testing.T, c *site.Client, to *ledger) *site.Client {
	t.Helper()
	other := to.Client(t)
	other.SetCookie("sallyport", c.Token())
	return other
}

// TestP8_TwoGatewaysOneStore: two gateways share their sessions and one Vault. What is begun at one goes on at the
// other, even if the first is killed at that moment. What is ended at one is ended at the other: within a second for
// requests, and within five seconds for open streams.
func TestP8_TwoGatewaysOneStore(t *testing.T) {
	t.Parallel()
	onEachSessionServer(t, func(t *testing.T, s *sessionServer) {
		v := newVault(t, false, vault.Options{})
		app := &flowing{}
		gateways := twoGateways(t, app, site.Options{Secrets: v.line(), Sessions: s.line("timeout 10s")})
		for _, gateway := range gateways {
			within(t, secondsToLog, "the start-up line", func() bool { return strings.Contains(gateway.Log(), "which takes them") })
		}
		t.Run("killed at each step", func(t *testing.T) { walkOverKilled(t, gateways) })
		t.Run("ended at the other", func(t *testing.T) { endAtTheOther(t, gateways) })
		t.Run("replay and throttle", func(t *testing.T) { guessAtBoth(t, gateways) })
	})
}

// walkOverKilled signs in and changes factors. The gateway that began a step is killed before the next one.
func walkOverKilled(t *testing.T, gateways [2]*ledger) {
	c, authenticator := gateways[0].verified(t, "alice", demo.AlicePassword)
	c.SignOut()
	c = gateways[0].challenged(t, "alice", demo.AlicePassword)
	at := 0
	next := func() {
		t.Helper()
		gateways[at].Kill()
		at = 1 - at
		c = carry(t, c, gateways[at])
	}
	next()
	c.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	gateways[1-at].Run()
	next()
	c.Get("/files").Wants(t, http.StatusOK, "")
	c.Own("/reset", "/reset", url.Values{"code": {authenticator.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	gateways[1-at].Run()
	next()
	fresh := site.NewAuthenticator(site.Find(t, site.Secret, c.Get("/second-factor/setup").Text), skew)
	c.Own("/setup", "/setup/confirm", url.Values{"code": {fresh.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	gateways[1-at].Run()
	next()
	c.Get("/files").Wants(t, http.StatusOK, "")
	c.Own("/disable", "/disable", url.Values{"code": {fresh.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	gateways[1-at].Run()
	c.SignOut()
}

// endAtTheOther ends sessions at one gateway, and measures how long the other one still lets them in.
func endAtTheOther(t *testing.T, gateways [2]*ledger) {
	owner, authenticator := gateways[0].verified(t, "alice", demo.AlicePassword)
	for what, end := range map[string]func(c *site.Client){
		"signing out":            func(c *site.Client) { c.SignOut() },
		"the app's logout":       func(c *site.Client) { c.Get("/logout") },
		"signing out all others": func(*site.Client) { owner.Own("/", "/sessions", url.Values{}) },
	} {
		c := gateways[0].challenged(t, "alice", demo.AlicePassword)
		c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
		other := carry(t, c, gateways[1])
		other.Get("/files").Wants(t, http.StatusOK, "")
		streams := openStreams(t, gateways[1].Address, c.Token())
		end(c)
		began := time.Now()
		answer := afterAMoment(other, http.StatusSeeOther, "/login")
		took := time.Since(began)
		t.Logf("%s: refused at the other gateway after %v", what, took)
		answer.Wants(t, http.StatusSeeOther, "/login")
		if took > time.Second {
			t.Errorf("%s: refused at the other gateway after %v", what, took)
		}
		wantCut(t, streams)
	}
	owner.Get("/files").Wants(t, http.StatusOK, "")
	carry(t, owner, gateways[1]).Get("/files").Wants(t, http.StatusOK, "")
	owner.Own("/disable", "/disable", url.Values{"code": {authenticator.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	owner.SignOut()
}

// afterAMoment returns the answer to a user who was verified, after the gateway no longer relies on what the session
// server said a moment ago. Until then the app answers, which may have ended its own session.
func afterAMoment(c *site.Client, status int, location string) site.Answer {
	answer := c.Get("/files")
	for began := time.Now(); (answer.StatusCode != status || answer.Location() != location) && time.Since(began) < 5*time.Second; {
		answer = c.Get("/files")
	}
	return answer
}

// guessAtBoth uses a code again at the other gateway, and guesses in one session at both in turn.
func guessAtBoth(t *testing.T, gateways [2]*ledger) {
	c, authenticator := gateways[0].verified(t, "bob", demo.BobPassword)
	c.SignOut()
	first, second := gateways[0].challenged(t, "bob", demo.BobPassword), gateways[1].challenged(t, "bob", demo.BobPassword)
	code := url.Values{"code": {authenticator.Code(t)}}
	first.Own("/challenge", "/challenge", code).Wants(t, http.StatusSeeOther, "/")
	second.Own("/challenge", "/challenge", code).Wants(t, http.StatusUnprocessableEntity, "")
	wrong := url.Values{"code": {otherThan(t, authenticator.Key, skew)}}
	for i := range 4 {
		second = carry(t, second, gateways[i%2])
		second.Own("/challenge", "/challenge", wrong).Wants(t, http.StatusUnprocessableEntity, "")
	}
	for _, gateway := range gateways {
		wantsThrottled(t, carry(t, second, gateway).Pass(authenticator))
	}
}

// TestP6_SessionServerAway: the session server fails in one way or another. Nobody is let in, nobody is sent to the
// login page as if he had no session, and everybody is told to try again. When the server is back, users who were
// signed in still are.
func TestP6_SessionServerAway(t *testing.T) {
	t.Parallel()
	onEachSessionServer(t, func(t *testing.T, s *sessionServer) {
		l := newLedger(t, demo.Knobs{}, "", site.Options{Sessions: s.line("timeout 3s")})
		verified, _ := l.verified(t, "alice", demo.AlicePassword)
		pending := l.challenged(t, "alice", demo.AlicePassword)
		troubles := append(servers.Troubles(s.network, s.kill, s.run), storetest.Trouble{
			Name: "away at the start", Begin: func() { l.Stop(); s.network.Down(); l.Run() }, End: s.network.Up,
		})
		for _, trouble := range troubles {
			trouble.Begin()
			wantsAway(t, trouble.Name+": a verified session", afterAMoment(verified, http.StatusServiceUnavailable, ""))
			wantsAway(t, trouble.Name+": a pending one", pending.Get("/files"))
			wantsAway(t, trouble.Name+": the challenge", pending.Get("/second-factor/challenge"))
			trouble.End()
			within(t, secondsToLog, trouble.Name+": recovery", func() bool { return verified.Get("/files").StatusCode == http.StatusOK })
			pending.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		}
	})
}

// TestP9_SessionServerIsQuiet: the password in the server's address appears nowhere, even while the server is
// unreachable: not in the log at DEBUG, the admin interface, a page or a file. A Caddyfile that spells it out can be
// reloaded as long as it stays the same.
func TestP9_SessionServerIsQuiet(t *testing.T) {
	t.Parallel()
	onEachSessionServer(t, func(t *testing.T, s *sessionServer) {
		parsed, err := url.Parse(s.address)
		if err != nil {
			t.Fatal(err)
		}
		_, escaped, _ := strings.Cut(parsed.User.String(), ":")
		secrets := map[string]string{servers.Password: "server's password", escaped: "server's password, escaped"}
		file := filepath.Join(t.TempDir(), "address")
		if err := os.WriteFile(file, []byte(s.address), 0o600); err != nil {
			t.Fatal(err)
		}
		walkQuietly(t, site.Options{Sessions: "sessions " + s.kind + " {file." + file + "}"}, secrets)

		l := newLedger(t, demo.Knobs{}, "", site.Options{Sessions: s.line("timeout 1s")})
		l.walk(t)
		s.network.Down()
		away := l.Client(t)
		away.SetCookie("sallyport", strings.Repeat("A", 43))
		answer := away.Get("/files")
		wantsAway(t, "away", answer)
		s.network.Up()
		w := &walkOfSecrets{t: t, l: l, c: l.Client(t), secrets: secrets}
		config := w.admin("/config/")
		if !strings.Contains(config, `"literal:`) {
			t.Errorf("the configuration names no address: %s", config)
		}
		w.clean("the page", answer.Text)
		w.clean("the configuration", config)
		w.clean("the log", l.Log())
		if err := l.Reload(); err != nil {
			t.Errorf("a reload with the address that the Caddyfile spells out: %v", err)
		}
		l.Client(t).Get("/login").Wants(t, http.StatusOK, "")
	})
}
