package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// wayward is a tokenApp whose answers to /auth/login and to /me a test chooses, for a right password.
type wayward struct {
	*tokenApp
	login, refresh func(w http.ResponseWriter)
	// knows answers the question for a token; nil: as usual.
	knows func(w http.ResponseWriter, token string)
}

func (a *wayward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, bears := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.URL.Path == "/auth/login" && a.login != nil:
		var body struct{ Username, Password string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		if body.Password == "pw-"+body.Username {
			a.login(w)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":"no"}`)
	case r.URL.Path == "/auth/refresh" && a.refresh != nil:
		a.refresh(w)
	case r.URL.Path == "/me" && bears && a.knows != nil:
		a.knows(w, token)
	default:
		a.tokenApp.ServeHTTP(w, r)
	}
}

func newWayward(t *testing.T, app *wayward, change func(*Config)) *site {
	t.Helper()
	app.tokenApp = new(tokenApp)
	s := newTokens(t, app.tokenApp, change)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	return s
}

// answers makes an answer to a script.
func answers(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

var failsByError = [][]login.Rule{{{Kind: login.JSON, Name: "/error", AnyValue: true}}}

// TestP2_TokenOfNobody: a right password brings a token and what the rules call a failure. Asked at that moment, the
// app knows nobody by that token: it becomes valid later, or at another host. The answer was taken for that of a failed
// login, and the token went out with it.
func TestP2_TokenOfNobody(t *testing.T) {
	app := &wayward{knows: func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusUnauthorized) }}
	s := newWayward(t, app, func(c *Config) { c.Logins.Blocks[0].Failure = failsByError })
	for what, answer := range map[string]func(http.ResponseWriter){
		"read":        answers(http.StatusOK, `{"token":"tok3n-alice-9","error":"changes at noon"}`),
		"not read":    answers(http.StatusOK, `{"token":"`+strings.Repeat("tok3n", login.TokenLimit)+`","error":"changes at noon"}`),
		"two of them": answers(http.StatusOK, `{"token":"tok3n-alice-9","token":"tok3n-alice-8","error":"changes at noon"}`),
	} {
		app.login = answer
		b := s.browser()
		if got := b.tokenLogin("alice"); got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "tok3n") {
			t.Errorf("%s: %d %.100s", what, got.StatusCode, got.body)
		}
		b.wantsState("anonymous", "")
	}
	// An error with which the app refuses, and an answer without a token, are the app's own words.
	for status, body := range map[int]string{http.StatusOK: `{"error":"changes at noon"}`, http.StatusForbidden: `{"error":"no"}`} {
		app.login = answers(status, body)
		if got := s.browser().tokenLogin("alice"); got.StatusCode != status || got.body != body {
			t.Errorf("the control: %d %s", got.StatusCode, got.body)
		}
	}
}

// TestP2_WholeBodyIsNoToken: if the whole body of an answer is the token, the words after a wrong password are read as
// one. They are shown.
func TestP2_WholeBodyIsNoToken(t *testing.T) {
	app := &wayward{knows: func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusUnauthorized) }}
	s := newWayward(t, app, func(c *Config) {
		c.Logins.Blocks[0].Tokens = []login.TokenSource{{Kind: login.Body}}
		c.Logins.Blocks[0].Failure = [][]login.Rule{{{Kind: login.Header, Name: "X-Failed", AnyValue: true}}}
	})
	app.login = func(w http.ResponseWriter) {
		w.Header().Set("X-Failed", "1")
		fmt.Fprint(w, "this-password-is-wrong")
	}
	if got := s.browser().tokenLogin("alice"); got.StatusCode != http.StatusOK || got.body != "this-password-is-wrong" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	app.login = func(w http.ResponseWriter) { fmt.Fprint(w, "tok3n-alice-9") }
	if got := s.browser().tokenLogin("alice"); got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "tok3n") {
		t.Errorf("without the failure: %d %s", got.StatusCode, got.body)
	}
}

// TestP2_TokenOnAnErrorPage: an app that shows its answers on pages to clients that ask for pages does so with another
// status. The page after a wrong password is shown, but not if a token may stand on it. A page that the operator calls
// a failure is shown.
func TestP2_TokenOnAnErrorPage(t *testing.T) {
	app := new(wayward)
	s := newWayward(t, app, func(c *Config) {
		c.Logins.Blocks[0].Failure = [][]login.Rule{{{Kind: login.Header, Name: "X-Failed", AnyValue: true}}}
	})
	asPage := http.Header{"Content-Type": {"application/json"}, "Accept": {"text/html"}}
	for _, named := range []bool{false, true} {
		app.login = func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			if named {
				w.Header().Set("X-Failed", "1")
			}
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, "<!doctype html>{token: tok3n-alice-9}")
		}
		got := s.browser().send("POST", "/auth/login", `{"username":"alice","password":"pw-alice"}`, asPage)
		if shown := strings.Contains(got.body, "tok3n"); shown != named {
			t.Errorf("named %v: %d %s", named, got.StatusCode, got.body)
		}
	}
}

// TestP2_TokensInTwoHeaders: of tokens in two headers only one could wait for the factor. Such a login is refused, and
// neither token goes out.
func TestP2_TokensInTwoHeaders(t *testing.T) {
	app := new(wayward)
	s := newWayward(t, app, func(c *Config) {
		c.Logins.Blocks[0].Tokens = []login.TokenSource{{Kind: login.Header, Name: "X-Auth-Token"}, {Kind: login.Header, Name: "X-Refresh"}}
	})
	for lines, want := range map[int]int{1: http.StatusOK, 2: http.StatusBadGateway} {
		app.login = func(w http.ResponseWriter) {
			app.mutex.Lock()
			defer app.mutex.Unlock()
			for _, name := range []string{"X-Auth-Token", "X-Refresh"}[:lines] {
				w.Header().Set(name, app.issue("alice"))
			}
			fmt.Fprint(w, `{}`)
		}
		got := s.browser().tokenLogin("alice")
		if got.StatusCode != want || want != http.StatusOK && strings.Contains(fmt.Sprint(got.Header), "tok3n") {
			t.Errorf("%d headers: %d %v", lines, got.StatusCode, got.Header)
		}
	}
}

// TestP2_TokenOfATypedFailure: if the app cannot be asked, an answer that fails by the rules and carries a token is no
// failure: the token went out with the page. An answer that succeeds and whose token cannot be read, or kept, is no
// success.
func TestP2_TokenOfATypedFailure(t *testing.T) {
	app := new(wayward)
	s := newWayward(t, app, func(c *Config) {
		block := &c.Logins.Blocks[0]
		block.Fields = []string{"/password"}
		block.Success = [][]login.Rule{{{Kind: login.JSON, Name: "/ok", AnyValue: true}}}
		block.Failure = failsByError
		c.Logins.Identities, c.Logins.Typed, c.Refresh = nil, true, match.Globs(nil)
	})
	for body, want := range map[string]int{
		`{"error":"no"}`:                                                                http.StatusOK,
		`{"error":"no","token":"tok3n-alice-9"}`:                                        http.StatusBadGateway,
		`{"ok":1,"token":"tok3n-alice-9"}`:                                              http.StatusOK,
		`{"ok":1,"token":"` + strings.Repeat("tok3n", login.TokenLimit) + `"}`:          http.StatusBadGateway,
		`{"ok":1,"token":"tok3n-alice-9","more":"` + strings.Repeat("x", 20<<10) + `"}`: http.StatusBadGateway,
	} {
		app.login = func(w http.ResponseWriter) {
			if strings.Contains(body, "ok") {
				w.Header().Set("Set-Cookie", "sid=alice; HttpOnly; Path=/") // by this alone it would be a session
			}
			answers(http.StatusOK, body)(w)
		}
		b := s.browser()
		got := b.tokenLogin("alice")
		if got.StatusCode != want || want != http.StatusOK && strings.Contains(got.body, "tok3n") {
			t.Errorf("%.60s: %d %.100s", body, got.StatusCode, got.body)
		}
		if state := map[bool]string{true: "verified", false: "anonymous"}[want == http.StatusOK && strings.Contains(body, "ok")]; state == "verified" {
			b.wantsState(state, "alice")
		} else {
			b.wantsState(state, "")
		}
	}
}

// TestP5_RefreshThatBringsAnothersToken: a verified user asks for another token, and the app's answer cannot be
// believed: the token is nobody's, or nobody can say whose it is; or the answer breaks off, is too large, or cannot be
// read. None of it goes out, and the session keeps what it had. The app's own refusal does go out.
func TestP5_RefreshThatBringsAnothersToken(t *testing.T) {
	for what, test := range map[string]struct {
		answer func(http.ResponseWriter)
		knows  int
		want   int
	}{
		"nobody's": {answers(http.StatusOK, `{"token":"tok3n-new"}`), http.StatusUnauthorized, http.StatusBadGateway},
		"unclear":  {answers(http.StatusOK, `{"token":"tok3n-new"}`), http.StatusServiceUnavailable, http.StatusBadGateway},
		"not read": {answers(http.StatusOK, `{"token":"`+strings.Repeat("tok3n", login.TokenLimit)+`"}`), 0, http.StatusBadGateway},
		"too large": {func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"token":"tok3n-new","more":"`, strings.Repeat("x", login.AnswerLimit))
		}, 0, http.StatusBadGateway},
		"broken off":   {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 0, http.StatusBadGateway},
		"in no coding": {func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "odd"); fmt.Fprint(w, "tok3n-new") }, 0, http.StatusBadGateway},
		"refused":      {answers(http.StatusForbidden, `{"error":"not now"}`), 0, http.StatusForbidden},
		"nothing":      {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, 0, http.StatusNoContent},
	} {
		app := new(wayward)
		s := newWayward(t, app, nil)
		b := s.browser()
		hers := tokenIn(t, b.tokenLogin("alice").body)
		app.refresh = test.answer
		app.knows = func(w http.ResponseWriter, token string) {
			switch {
			case token == hers:
				fmt.Fprint(w, `{"name":"alice"}`)
			case test.knows != 0:
				w.WriteHeader(test.knows)
			}
		}
		got := b.send("POST", "/auth/refresh", `{}`, bearer(hers))
		if got.StatusCode != test.want || strings.Contains(got.body, "tok3n") {
			t.Errorf("%s: %d %.100s", what, got.StatusCode, got.body)
		}
		b.wantsState("verified", "alice")
		if got := b.send("GET", "/x", "", bearer("tok3n-new")); strings.Contains(app.last().Header.Get("Authorization"), "tok3n-new") {
			t.Errorf("%s: the token reached the app: %d", what, got.StatusCode)
		}
		if got := b.send("GET", "/x", "", bearer(hers)); got.body != "secrets of alice" {
			t.Errorf("%s: her own token: %d %s", what, got.StatusCode, got.body)
		}
	}
}
