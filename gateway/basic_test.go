package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP1_BasicPasswordAloneReadsNothing: the password alone leads to the challenge, by any method. The app gets only
// the gateway's own questions, and nothing of what the client wants done.
func TestP1_BasicPasswordAloneReadsNothing(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, nil)
	key := s.enrolledBasic("alice", "pw-a")
	app.take()
	for method, body := range map[string]string{
		"GET": "", "HEAD": "", "POST": "do it", "PUT": "do it", "DELETE": "do it", "OPTIONS": "do it", "PROPFIND": "do it",
	} {
		b := s.browser()
		got := b.send(method, "/rpc", body, with(basic("alice", "pw-a")))
		if got.Header.Get("Location") != challengePage || strings.Contains(got.body, "secret") {
			t.Errorf("%s: %d %s", method, got.StatusCode, got.body)
		}
		b.wantsState("pending", "alice")
		for _, seen := range app.take() {
			if !strings.HasPrefix(seen, "GET / ") {
				t.Errorf("%s: the app was sent %s", method, seen)
			}
		}
		if got := b.send(method, "/rpc", body, script(basic("alice", "pw-a"))); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s by script: %d", method, got.StatusCode)
		}
		if seen := app.take(); seen != nil {
			t.Errorf("%s in a pending session: the app was sent %s", method, seen)
		}
	}
	s.clock.Advance(11 * time.Second) // later, this is another session
	b := s.browser()
	b.send("GET", "/page?a=1", "", with(basic("alice", "pw-a"))).wants(t, http.StatusSeeOther, challengePage)
	b.passes(key).wants(t, http.StatusSeeOther, "/page?a=1")
	if got := b.send("POST", "/rpc", "work", with(basic("alice", "pw-a"))); got.body != "secrets of alice work" {
		t.Errorf("verified: %d %s", got.StatusCode, got.body)
	}
}

// TestP1_BasicStrangersAreAsked: the app's own answer asks strangers for a password, at every address, and no cache may
// keep that answer.
func TestP1_BasicStrangersAreAsked(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, nil)
	for _, header := range []http.Header{nil, with(basic("alice", "wrong")), with("Bearer x"), script(basic("nobody", ""))} {
		b := s.browser()
		got := b.send("POST", "/deep/page", "x", header)
		if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") != `Basic realm="app"` || got.body != "the app wants a password" {
			t.Errorf("%v: %d %v %s", header, got.StatusCode, got.Header, got.body)
		}
		if got.Header.Get("Set-Cookie") != "" || got.Header.Get("ETag") != "" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %v", header, got.Header)
		}
		b.wantsState("anonymous", "")
	}
	for _, seen := range app.take() {
		if seen != "GET / " {
			t.Errorf("the app was sent %s", seen)
		}
	}
	if slices.Contains(app.auth, "Bearer x") {
		t.Error("another scheme reached the app")
	}
}

// TestP5_BasicAnotherPassword: in a verified session, another password is another login. A wrong password changes
// nothing and reads nothing. A right one leads back to pending, and until it is accepted the session belongs to nobody
// else.
func TestP5_BasicAnotherPassword(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, nil)
	alice, bob := s.enrolledBasic("alice", "pw-a"), s.enrolledBasic("bob", "pw-b")
	b := s.browser()
	b.send("GET", "/", "", with(basic("bob", "pw-b"))).wants(t, http.StatusSeeOther, challengePage)
	// The session is pending for bob when alice's password comes.
	b.send("GET", "/", "", with(basic("alice", "pw-a"))).wants(t, http.StatusSeeOther, challengePage)
	b.wantsState("pending", "alice")
	if got := b.passes(bob); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("bob's code for alice: %d", got.StatusCode)
	}
	b.send("GET", "/", "", with(basic("bob", "pw-b"))).wants(t, http.StatusSeeOther, challengePage)
	b.passes(bob).wants(t, http.StatusSeeOther, "/")
	app.take()
	if got := b.send("GET", "/x", "", with(basic("alice", "wrong"))); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", got.StatusCode)
	}
	if got := b.send("GET", "/x", "", nil); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("no password: %d", got.StatusCode)
	}
	b.wantsState("verified", "bob")
	b.send("POST", "/x", "x", with(basic("alice", "pw-a"))).wants(t, http.StatusSeeOther, challengePage)
	b.wantsState("pending", "alice")
	for _, seen := range app.take() {
		if !strings.HasPrefix(seen, "GET / ") {
			t.Errorf("the app was sent %s", seen)
		}
	}
	if got := b.send("GET", "/x", "", with(basic("bob", "pw-b"))); got.StatusCode != http.StatusSeeOther {
		t.Errorf("bob's password in alice's session: %d", got.StatusCode)
	}
	b.send("GET", "/", "", with(basic("alice", "pw-a")))
	b.passes(alice).wants(t, http.StatusSeeOther, "/")
	if got := b.send("GET", "/", "", with(basic("alice", "pw-a"))); got.body != "secrets of alice " {
		t.Errorf("alice: %s", got.body)
	}
}

// TestP4_BasicIdentity: if the app is asked who is signed in, its answer counts, each time with the password of the
// request.
func TestP4_BasicIdentity(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, func(c *Config) {
		c.Logins.Typed = false
		c.Logins.Identities = []login.Identity{{Path: "/me", Method: "GET", Kind: login.JSON, Pointer: "/name"}}
	})
	b := s.browser()
	if got := b.send("GET", "/", "", with(basic("alice", "wrong"))); got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a wrong password: %d", got.StatusCode)
	}
	b.send("GET", "/", "", with(basic("alice", "pw-a"))).wants(t, http.StatusOK, "")
	b.wantsState("verified", "alice")
	for range 3 {
		s.clock.Advance(2 * time.Minute)
		app.take()
		b.send("GET", "/x", "", with(basic("alice", "pw-a"))).wants(t, http.StatusOK, "")
		if seen := app.take(); !slices.Equal(seen, []string{"GET /me alice", "GET /x alice"}) {
			t.Errorf("the app was sent %v", seen)
		}
	}
	app.fail = http.StatusServiceUnavailable
	if got := s.browser().send("GET", "/", "", with(basic("bob", "pw-b"))); got.StatusCode != http.StatusBadGateway {
		t.Errorf("the app does not say: %d", got.StatusCode)
	}
}

// TestP4_BasicAnyPasswordWouldDo: an address that needs no password proves nothing.
func TestP4_BasicAnyPasswordWouldDo(t *testing.T) {
	s := newBasic(t, &basicApp{open: true}, nil)
	b := s.browser()
	if got := b.send("GET", "/", "", with(basic("alice", "wrong"))); got.StatusCode != http.StatusBadGateway {
		t.Errorf("any password: %d %s", got.StatusCode, got.body)
	}
	b.wantsState("anonymous", "")
	if got := b.send("GET", "/", "", nil); got.StatusCode != http.StatusForbidden {
		t.Errorf("none: %d %s", got.StatusCode, got.body)
	}
}

// TestP3_BasicMalformed: a malformed line never reaches the app, and signs nobody in.
func TestP3_BasicMalformed(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, nil)
	for _, lines := range [][]string{
		{basic("alice", "pw-a"), basic("alice", "pw-a")},
		{"Bearer x", basic("alice", "pw-a")},
		{"Basic"},
		{"Basic !!!"},
		{"Basic YWxpY2U="},
		{"Basic  " + basic("alice", "pw-a")[6:]},
		{basic("alice\x01", "pw-a")},
		{basic("al\xffce", "pw-a")},
	} {
		got := s.browser().send("GET", "/", "", http.Header{"Authorization": lines})
		if got.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", lines, got.StatusCode)
		}
	}
	if seen := app.take(); seen != nil {
		t.Errorf("the app was sent %v", seen)
	}
}

// TestP3_BasicOnlyWhereVerified: no password of a stranger or a pending session goes to a public path, whatever
// Connection says.
func TestP3_BasicOnlyWhereVerified(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, nil)
	key := s.enrolledBasic("alice", "pw-a")
	b := s.browser()
	b.send("GET", "/", "", with(basic("alice", "pw-a"))).wants(t, http.StatusSeeOther, challengePage)
	app.take()
	app.auth = nil
	for _, who := range []*browser{b, s.browser()} {
		for _, header := range []http.Header{with(basic("alice", "pw-a")), {"Authorization": {basic("alice", "pw-a")}, "Connection": {"Authorization"}}} {
			who.send("GET", "/static/x", "", header)
			if last := app.auth[len(app.auth)-1]; last != "" {
				t.Errorf("a public path was sent %q", last)
			}
		}
	}
	b.passes(key)
	for _, header := range []http.Header{with(basic("alice", "pw-a")), {"Authorization": {basic("alice", "pw-a")}, "Connection": {"Authorization"}}} {
		b.send("GET", "/x", "", header).wants(t, http.StatusOK, "")
	}
	for _, spelled := range []string{"Authorization_", "Author_ization", "Proxy-Authorization", "X-Authorization"} {
		if got := b.send("GET", "/x", "", http.Header{spelled: {basic("bob", "pw-b")}}); strings.Contains(got.body, "bob") {
			t.Errorf("%s signs bob in: %s", spelled, got.body)
		}
		b.wantsState("verified", "alice")
	}
}

// TestP5_BasicWithCookie: an app that gives a cookie for the password needs no password afterwards. The cookie is held.
func TestP5_BasicWithCookie(t *testing.T) {
	app := &basicApp{cookie: true}
	s := newBasic(t, app, nil)
	b := s.browser()
	got := b.send("GET", "/", "", with(basic("alice", "pw-a")))
	got.wants(t, http.StatusOK, "")
	for _, cookie := range got.Cookies() {
		if cookie.Name == "sid" {
			t.Error("the app's cookie came out")
		}
	}
	if got := b.send("GET", "/x", "", nil); got.body != "secrets of alice " {
		t.Errorf("by cookie: %d %s", got.StatusCode, got.body)
	}
}

// TestP2_BasicByScript: if a script signs in at the address at which passwords are tried, the app's answer waits for
// the factor, with its cookies, and then comes to the script once. The app was asked once with the password, and once
// without.
func TestP2_BasicByScript(t *testing.T) {
	app := &basicApp{cookie: true}
	s := newBasic(t, app, nil)
	first := s.browser()
	if got := first.send("GET", "/", "", script(basic("alice", "pw-a"))); got.body != "secrets of alice " || strings.Contains(fmt.Sprint(got.Header), "sid=") {
		t.Errorf("not enrolled: %d %v %s", got.StatusCode, got.Header, got.body)
	}
	key := first.enrol()
	app.take()
	b := s.browser()
	got := b.send("GET", "/", "", script(basic("alice", "pw-a")))
	if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, `"resume":"/second-factor/resume"`) || strings.Contains(fmt.Sprint(got.Header, got.body), "secrets") {
		t.Errorf("the answer is not withheld: %d %s", got.StatusCode, got.body)
	}
	if resumed := b.passScript(key); resumed.body != "secrets of alice " {
		t.Errorf("resume: %d %s", resumed.StatusCode, resumed.body)
	}
	if seen := app.take(); !slices.Equal(seen, []string{"GET / alice", "GET / "}) {
		t.Errorf("the app was sent %v", seen)
	}
	if got := b.send("GET", "/x", "", script("")); got.body != "secrets of alice " {
		t.Errorf("by cookie: %d %s", got.StatusCode, got.body)
	}
}

// TestP8_BasicSignOut: after a sign-out, the password that the browser still sends opens nothing but leads to the
// challenge.
func TestP8_BasicSignOut(t *testing.T) {
	s := newBasic(t, new(basicApp), nil)
	key := s.enrolledBasic("alice", "pw-a")
	b := s.browser()
	b.send("GET", "/", "", with(basic("alice", "pw-a")))
	b.passes(key).wants(t, http.StatusSeeOther, "/")
	b.own("/", "/logout", nil).wants(t, http.StatusSeeOther, "/")
	b.send("GET", "/", "", with(basic("alice", "pw-a"))).wants(t, http.StatusSeeOther, challengePage)
}

// TestP6_StandingStoreFails: if the secrets store does not answer, that does not mean that no factor is owed, neither
// with a password in every request nor with a handler in front.
func TestP6_StandingStoreFails(t *testing.T) {
	secrets := &failingSecrets{Store: factor.NewMemoryStore()}
	failing := func(c *Config) {
		c.Factors = factor.NewService(secrets, factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now, Timeout: time.Second})
	}
	app, behind := new(basicApp), new(fronted)
	for name, test := range map[string]struct {
		site   *site
		header http.Header
	}{
		"basic": {newBasic(t, app, failing), with(basic("alice", "pw-a"))}, "front": {newFront(t, behind, failing), by("alice")},
	} {
		secrets.strike(func(context.Context) error { return factor.ErrUnavailable })
		b := test.site.browser()
		b.send("POST", "/x", "x", test.header).refusedForNow(t)
		if got := b.send("POST", "/x", "x", test.header); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s, again: %d %s", name, got.StatusCode, got.body)
		}
		secrets.end()
		if got := b.send("GET", "/second-factor/challenge", "", test.header); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s, afterwards: %d %s", name, got.StatusCode, got.body)
		}
		b.send("GET", "/x", "", test.header).wants(t, http.StatusOK, "")
	}
	for _, seen := range app.take() {
		if strings.HasPrefix(seen, "POST") {
			t.Errorf("the app was sent %s", seen)
		}
	}
	if behind.count != 1 {
		t.Errorf("the app was reached %d times", behind.count)
	}
}

// TestBasicTrialsAreBounded: the number of passwords that a client can have tried at the app at once is bounded.
func TestBasicTrialsAreBounded(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, nil)
	for range underway.MaxTrials {
		s.gateway.site.BeginTrial("127.0.0.1")
	}
	for _, header := range []http.Header{nil, with(basic("alice", "pw-a"))} {
		if got := s.browser().send("GET", "/", "", header); got.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%v: %d", header, got.StatusCode)
		}
	}
	if seen := app.take(); seen != nil {
		t.Errorf("the app was sent %v", seen)
	}
}

// TestStandingNeedsItsParts: New refuses settings that do not fit together.
func TestStandingNeedsItsParts(t *testing.T) {
	s := newBasic(t, new(basicApp), nil)
	for what, change := range map[string]func(*Config){
		"a placeholder without a front": func(c *Config) {
			c.Logins.Blocks[0].Username = login.Source{Kind: login.Placeholder, Name: "{x}"}
		},
		"a front without a placeholder": func(c *Config) { c.Front = front },
		"no login page": func(c *Config) {
			c.Logins.Blocks[0].Username = login.Source{Kind: login.Form, Name: "u"}
			c.Logins.Blocks[0].Paths = match.NewGlobs("/l")
		},
		"Authorization passed": func(c *Config) { c.PassHeaders = custody.NewPassHeaders("authorization") },
	} {
		config := s.gateway.site.Config
		config.Logins.Blocks = slices.Clone(config.Logins.Blocks)
		change(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}
