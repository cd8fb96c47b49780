package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
)

// TestP5_Refresh: a refreshed token is bound to the session if it is the same user's, and the old token stays. Another
// user's token leads to his challenge.
func TestP5_Refresh(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, func(c *Config) { c.Public = gate.Open("/auth/*") })
	bobKey := s.enrolledByToken("bob")
	b := s.browser()
	first := tokenIn(t, b.tokenLogin("alice").body)
	header := bearer(first)
	got := b.send("POST", "/auth/refresh", "{}", header)
	second := tokenIn(t, got.body)
	for _, token := range []string{first, second} {
		if got := b.send("GET", "/x", "", bearer(token)); got.body != "secrets of alice" {
			t.Errorf("%s: %d %s", token, got.StatusCode, got.body)
		}
	}
	// The first token expires in the app, and the session does not end because of that.
	s.clock.Advance(2 * time.Minute)
	delete(app.tokens, first)
	if got := b.send("GET", "/x", "", bearer(second)); got.body != "secrets of alice" {
		t.Errorf("with the second: %d %s", got.StatusCode, got.body)
	}
	delete(app.tokens, second)
	s.clock.Advance(2 * time.Minute)
	if got := b.send("GET", "/x", "", bearer(second)); got.body != "the app's own refusal" {
		t.Errorf("with none: %d %s", got.StatusCode, got.body)
	}
	b.wantsState("verified", "alice")
	app.tokens[second] = "alice"
	third := tokenIn(t, b.send("POST", "/auth/refresh", "{}", bearer(second)).body)
	if got := b.send("GET", "/x", "", bearer(third)); got.body != "secrets of alice" {
		t.Errorf("with the third: %d %s", got.StatusCode, got.body)
	}

	// Without a verified session nobody gets a token, although the path is public and the app would give one.
	for _, who := range []*browser{s.browser(), func() *browser { p := s.browser(); p.tokenLogin("bob"); return p }()} {
		if got := who.send("POST", "/auth/refresh", fmt.Sprintf(`{"token":%q}`, third), bearer(third)); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "tok3n") {
			t.Errorf("refresh without a verified session: %d %s", got.StatusCode, got.body)
		}
	}

	// Bob's refresh token in her session is a sign-in of bob.
	his := app.issue("bob")
	got = b.send("POST", "/auth/refresh", fmt.Sprintf(`{"token":%q}`, his), bearer(third))
	if got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "tok3n") {
		t.Errorf("another user's refresh: %d %s", got.StatusCode, got.body)
	}
	b.wantsState("pending", "bob")
	if resumed := tokenIn(t, b.passScript(bobKey).body); app.tokens[resumed] != "bob" {
		t.Errorf("resumed: %s", resumed)
	}
	if got := b.send("GET", "/x", "", bearer(third)); got.body != "the app's own refusal" {
		t.Errorf("her token in his session: %d %s", got.StatusCode, got.body)
	}
	// The app does not say whose the token is, so no token goes out.
	now := fmt.Sprintf("tok3n-bob-%d", app.count)
	app.fail = http.StatusInternalServerError
	if got := b.send("POST", "/auth/refresh", "{}", bearer(now)); got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "tok3n") {
		t.Errorf("unclear: %d %s", got.StatusCode, got.body)
	}
}

// TestP8_RefreshOfAnEndedSession: a session that ends while its token is renewed stays ended, and the token does not go
// out. Another user's token does not begin a new session either.
func TestP8_RefreshOfAnEndedSession(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, nil)
	for _, whose := range []string{"alice", "bob"} {
		app.during = nil
		b := s.browser()
		hers := tokenIn(t, b.tokenLogin("alice").body)
		other := app.issue(whose)
		session := ""
		for _, cookie := range b.client.Jar.Cookies(mustParse(t, s.server.URL)) {
			session = bare(cookie.Value)
		}
		app.during = func() {
			if err := s.gateway.site.Config.Sessions.Destroy(t.Context(), session); err != nil {
				t.Error(err)
			}
		}
		got := b.send("POST", "/auth/refresh", fmt.Sprintf(`{"token":%q}`, other), bearer(hers))
		if got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "tok3n") || !strings.Contains(got.body, "login-required") {
			t.Errorf("%s: %d %s", whose, got.StatusCode, got.body)
		}
		b.wantsState("anonymous", "")
	}
}

func mustParse(t testing.TB, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
