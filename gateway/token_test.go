package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/login"
)

// TestP2_TokenIsWithheld: in each form in which an answer carries a token, the token goes out after the factor, once,
// and not before. A token that cannot be read, or kept, does not go out at all.
func TestP2_TokenIsWithheld(t *testing.T) {
	for _, form := range []string{"json", "header", "text", "gzip"} {
		t.Run(form, func(t *testing.T) {
			app := &tokenApp{form: form}
			s := newTokens(t, app, nil)
			first := s.browser()
			first.tokenLogin("alice").wants(t, http.StatusOK, "")
			key := first.enrol()
			b := s.browser()
			got := b.tokenLogin("alice")
			if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, `"resume":"/second-factor/resume"`) || strings.Contains(fmt.Sprint(got.Header, got.body), "tok3n") {
				t.Fatalf("the token is not withheld: %d %v %s", got.StatusCode, got.Header, got.body)
			}
			if got := b.send("GET", "/second-factor/resume", "", asScript); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("resume before the factor: %d", got.StatusCode)
			}
			if got := b.send("GET", "/x", "", bearer(fmt.Sprintf("tok3n-alice-%d", app.count))); got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, "second-factor-required") {
				t.Errorf("a token in a pending session: %d %s", got.StatusCode, got.body)
			}
			b.send("GET", "/static/x", "", bearer(fmt.Sprintf("tok3n-alice-%d", app.count)))
			if last := app.last(); last.URL.Path != "/static/x" || last.Header.Get("Authorization") != "" {
				t.Errorf("a token of a pending session reached a public path: %v", last.Header)
			}
			resumed := b.passScript(key)
			want := fmt.Sprintf("tok3n-alice-%d", app.count)
			if resumed.StatusCode != http.StatusOK || form != "gzip" && !strings.Contains(fmt.Sprint(resumed.Header, resumed.body), want) {
				t.Errorf("resume: %d %v %s", resumed.StatusCode, resumed.Header, resumed.body)
			}
			if again := b.send("GET", "/second-factor/resume", "", asScript); again.StatusCode != http.StatusNotFound {
				t.Errorf("resume twice: %d", again.StatusCode)
			}
			if got := b.send("GET", "/x", "", bearer(want)); got.body != "secrets of alice" {
				t.Errorf("with the token: %d %s", got.StatusCode, got.body)
			}
		})
	}
	// An answer that is a failed login by the rules is one even if the app knows the user by its token.
	t.Run("failing", func(t *testing.T) {
		s := newTokens(t, &tokenApp{form: "failing"}, func(c *Config) {
			c.Logins.Blocks[0].Failure = [][]login.Rule{{{Kind: login.JSON, Name: "/error", AnyValue: true}}}
		})
		first := s.browser()
		first.tokenLogin("alice").wants(t, http.StatusOK, "")
		first.enrol()
		b := s.browser()
		if got := b.tokenLogin("alice"); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "tok3n") {
			t.Errorf("%d %.200s", got.StatusCode, got.body)
		}
		b.wantsState("pending", "alice")
	})
	for _, form := range []string{"huge", "padded", "elsewhere"} {
		t.Run(form, func(t *testing.T) {
			app := &tokenApp{form: form}
			s := newTokens(t, app, nil)
			got := s.browser().tokenLogin("alice")
			if form != "elsewhere" && (got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "tok3n")) {
				t.Errorf("%d %.200s", got.StatusCode, got.body)
			}
			s.browser().wantsState("anonymous", "")
		})
	}
}

// TestP3_TokenOnlyInItsSession: in each form in which apps take a token, only a token that was issued to this session
// reaches the app.
func TestP3_TokenOnlyInItsSession(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, func(c *Config) { c.TokenHeader = "X-Own" })
	// The app is lax, so X-Own works for the question too.
	alice, bob := s.browser(), s.browser()
	hers, his := tokenIn(t, alice.tokenLogin("alice").body), tokenIn(t, bob.tokenLogin("bob").body)
	stranger := s.browser()
	for _, place := range []struct{ header, value string }{
		{"Authorization", "Bearer %s"},
		{"Authorization", "JWT %s"},
		{"Authorization", "%s"},
		{"Authorization", "Token %s"},
		{"X-Auth", "%s"},
		{"X-Auth-Token", "%s"},
		{"X-Token", "%s"},
		{"Token", "%s"},
		{"X-Access-Token", "%s"},
		{"Jwt", "%s"},
		{"X-Api-Key", "%s"},
		{"X-Own", "%s"},
		{"X-Authorization", "Bearer %s"},
		{"?access_token", ""},
		{"?token", ""},
		{"?auth", ""},
		{"?a=1&Access-Token", ""},
		{"?auth_token", ""},
		{"?a=1&%74oken", ""},
		{"?jwt", ""},
		{"?TOKEN", ""},
	} {
		send := func(b *browser, token string) answer {
			t.Helper()
			if query, ok := strings.CutPrefix(place.header, "?"); ok {
				return b.send("GET", "/x?"+query+"="+token, "", asScript)
			}
			header := http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}
			header[place.header] = []string{fmt.Sprintf(place.value, token)}
			return b.send("GET", "/x", "", header)
		}
		if got := send(alice, hers); got.body != "secrets of alice" {
			t.Errorf("%s: her own token: %d %s", place.header, got.StatusCode, got.body)
		}
		if got := send(alice, his); got.body != "the app's own refusal" {
			t.Errorf("%s: his token in her session: %d %s", place.header, got.StatusCode, got.body)
		}
		if got := send(stranger, hers); got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, "login-required") {
			t.Errorf("%s: her token without a session: %d %s", place.header, got.StatusCode, got.body)
		}
		stranger.wantsState("anonymous", "")
		if query, ok := strings.CutPrefix(place.header, "?"); ok {
			stranger.send("GET", "/static/x?"+query+"="+hers, "", asScript)
		} else {
			header := http.Header{}
			header[place.header] = []string{fmt.Sprintf(place.value, hers)}
			stranger.send("GET", "/static/x", "", header)
		}
		if last := app.last(); strings.Contains(fmt.Sprint(last.Header, last.URL), hers) {
			t.Errorf("%s: a stranger's token reached a public path", place.header)
		}
	}
	for _, lines := range []http.Header{
		{"Authorization": {"Bearer " + hers, "Bearer " + his}},
		{"Authorization": {"Bearer " + hers + ", Bearer " + his}},
		{"Authorization": {"Bearer  " + his}},
		{"X_own": {his}},
		{"X_Auth_Token": {his}},
		{"Authorization": {"Bearer " + hers + " " + his}},
		{"Connection": {"Authorization"}, "Authorization": {"Bearer " + his}},
		{"Cookie": {"token=" + his}},
		{"Remote-User": {his}},
		{"X-Forwarded-User": {his}},
		{"Sec-Websocket-Protocol": {"bearer, " + his + strings.Repeat("x", 24)}},
	} {
		header := asScript.Clone()
		for name, values := range lines {
			header[name] = values
		}
		alice.send("GET", "/x", "", header)
		if last := app.last(); strings.Contains(fmt.Sprint(last.Header), his) {
			t.Errorf("%v: his token reached the app: %v", lines, last.Header)
		}
		alice.wantsState("verified", "alice")
	}
	for _, query := range []string{"a=1;token=", "token[]=", "token[0]=", "a=1&access%255Ftoken=", "x&auth%00x=", "Acce%73s.token="} {
		alice.send("GET", "/x?"+query+his, "", asScript)
		if last := app.last(); strings.Contains(last.URL.RawQuery, his) {
			t.Errorf("%s: his token reached the app: %s", query, last.URL.RawQuery)
		}
	}
	alice.send("GET", "/x?a=1&token="+his+"&b=%20&c", "", bearer(hers))
	if last := app.last(); last.URL.RawQuery != "a=1&b=%20&c" {
		t.Errorf("the query is now %q", last.URL.RawQuery)
	}
}

// TestP5_TokensEndWithTheirSession: a sign-out, a new login and another identity unbind all tokens.
func TestP5_TokensEndWithTheirSession(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, nil)
	key := s.enrolledByToken("bob")
	b := s.browser()
	hers := tokenIn(t, b.tokenLogin("alice").body)
	if got := b.tokenLogin("bob"); got.StatusCode != http.StatusUnauthorized {
		t.Fatalf("bob: %d", got.StatusCode)
	}
	if got := b.send("GET", "/x", "", bearer(hers)); got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, "second-factor-required") {
		t.Errorf("her token while bob is pending: %d %s", got.StatusCode, got.body)
	}
	his := tokenIn(t, b.passScript(key).body)
	if got := b.send("GET", "/x", "", bearer(hers)); got.body != "the app's own refusal" {
		t.Errorf("her token in his session: %d %s", got.StatusCode, got.body)
	}
	if got := b.send("GET", "/x", "", bearer(his)); got.body != "secrets of bob" {
		t.Errorf("his: %d %s", got.StatusCode, got.body)
	}
	b.own("/", "/logout", nil)
	if got := b.send("GET", "/x", "", bearer(his)); !strings.Contains(got.body, "login-required") {
		t.Errorf("signed out: %d %s", got.StatusCode, got.body)
	}
	// It is the same user again, but the tokens of the earlier session are not this one's.
	b.tokenLogin("bob")
	b.passScript(key)
	if got := b.send("GET", "/x", "", bearer(his)); got.body != "the app's own refusal" {
		t.Errorf("an earlier session's token: %d %s", got.StatusCode, got.body)
	}
	// A wrong password changes nothing.
	now := fmt.Sprintf("tok3n-bob-%d", app.count)
	if got := b.send("POST", "/auth/login", `{"username":"alice","password":"wrong"}`, asScript); got.StatusCode != http.StatusForbidden {
		t.Errorf("a wrong password: %d", got.StatusCode)
	}
	if got := b.send("GET", "/x", "", bearer(now)); got.body != "secrets of bob" {
		t.Errorf("after a wrong password: %d %s", got.StatusCode, got.body)
	}
}

// TestP4_TokenIdentity: the question who is signed in carries the token, at the login and later.
func TestP4_TokenIdentity(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, func(c *Config) { c.Refresh = nil })
	b := s.browser()
	token := tokenIn(t, b.tokenLogin("alice").body)
	b.wantsState("verified", "alice")
	s.clock.Advance(2 * time.Minute)
	if got := b.send("GET", "/x", "", bearer(token)); got.body != "secrets of alice" {
		t.Errorf("a while later: %d %s", got.StatusCode, got.body)
	}
	delete(app.tokens, token)
	s.clock.Advance(2 * time.Minute)
	if got := b.send("GET", "/x", "", bearer(token)); !strings.Contains(got.body, "login-required") {
		t.Errorf("revoked in the app: %d %s", got.StatusCode, got.body)
	}
	b.wantsState("anonymous", "")
}

// TestP5_CookieBesideToken: an app believes a token before a cookie. With both it says that alice is signed in, and it
// serves bob to a request without the token. So the cookie is asked about by itself.
func TestP5_CookieBesideToken(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, nil)
	key := s.enrolledByToken("bob")
	b := s.browser()
	hers := tokenIn(t, b.tokenLogin("alice").body)
	if got := b.send("GET", "/side?as=alice", "", bearer(hers)); got.body != "welcome, alice" {
		t.Errorf("her own cookie: %d %s", got.StatusCode, got.body)
	}
	b.wantsState("verified", "alice")
	if got := b.send("GET", "/side?as=bob", "", bearer(hers)); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "welcome") {
		t.Errorf("bob's cookie: %d %s", got.StatusCode, got.body)
	}
	b.wantsState("pending", "bob")
	if got := b.send("GET", "/x", "", asScript); strings.Contains(got.body, "secrets") {
		t.Errorf("alice reads %s", got.body)
	}
	b.passScript(key)
	if got := b.send("GET", "/x", "", bearer(hers)); got.body != "secrets of bob" || app.last().Header.Get("Authorization") != "" {
		t.Errorf("her token in his session: %d %s", got.StatusCode, got.body)
	}
}

// TestP2_PartOfAnAnswer: nobody can ask for just the part of a login's answer that has the token in it.
func TestP2_PartOfAnAnswer(t *testing.T) {
	app := &tokenApp{form: "range"}
	s := newTokens(t, app, nil)
	s.enrolledByToken("alice")
	b := s.browser()
	header := asScript.Clone()
	header["Range"], header["If-Range"] = []string{"bytes=5-"}, []string{`"x"`}
	if got := b.send("POST", "/auth/login", `{"username":"alice","password":"pw-alice"}`, header); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "tok3n") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	b.wantsState("pending", "alice")
}

// TestP2_TokenOnAPage: a client that asks for a page gets the token on a page. It was taken for the page of a failed
// login, and shown. In the same way a verified user could have another user's token renewed.
func TestP2_TokenOnAPage(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, nil)
	s.enrolledByToken("alice")
	pages := http.Header{"Content-Type": {"application/json"}, "Accept": {"text/html"}}
	stranger := s.browser()
	if got := stranger.tokenLogin("alice"); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "tok3n") {
		t.Fatalf("the ordinary attempt: %d %s", got.StatusCode, got.body)
	}
	got := s.browser().send("POST", "/auth/login", `{"username":"alice","password":"pw-alice"}`, pages)
	if got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "tok3n") {
		t.Errorf("a login: %d %s", got.StatusCode, got.body)
	}
	if !strings.Contains(s.logged.String(), "setting=failure") {
		t.Error("the log does not name the setting")
	}
	app.mutex.Lock()
	hers := app.issue("alice")
	app.mutex.Unlock()
	carol := s.browser()
	own := tokenIn(t, carol.tokenLogin("carol").body)
	pages.Set("Authorization", "Bearer "+own)
	got = carol.send("POST", "/auth/refresh", fmt.Sprintf(`{"token":%q}`, hers), pages)
	if got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "tok3n") {
		t.Errorf("another one: %d %s", got.StatusCode, got.body)
	}
}

// TestTokensNeedTheirParts: New refuses settings that do not fit together.
func TestTokensNeedTheirParts(t *testing.T) {
	s := newTokens(t, new(tokenApp), nil)
	for what, change := range map[string]func(*Config){
		"refresh without identity": func(c *Config) { c.Logins.Identities = nil },
		"refresh without token":    func(c *Config) { c.Logins.Blocks[0].Tokens = nil },
		"Authorization passed":     func(c *Config) { c.PassHeaders = custody.NewPassHeaders("authorization") },
		"a header passed":          func(c *Config) { c.TokenHeader, c.PassHeaders = "X-Own", custody.NewPassHeaders("x-own") },
		"a header that is none":    func(c *Config) { c.TokenHeader = "X Own" },
		"a header to live by":      func(c *Config) { c.TokenHeader = "Cookie" },
		"an ordinary header":       func(c *Config) { c.TokenHeader = "Accept" },
		"a scheme that is none":    func(c *Config) { c.TokenScheme = "a b" },
	} {
		config := s.gateway.site.Config
		config.Logins.Blocks = append([]login.Block(nil), config.Logins.Blocks...)
		change(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}
