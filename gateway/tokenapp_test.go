package gateway

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// tokenApp is an app that signs in by JSON and knows users by bearer tokens, wherever in a request they are.
type tokenApp struct {
	mutex  sync.Mutex
	count  int
	tokens map[string]string // token to name
	seen   []*http.Request
	// form of the answer to a login: json, header, text, gzip, huge, cookie, failing
	form string
	// during is called while a token is being renewed
	during func()
	// fail, if set, is the status with which the identity question fails
	fail int
}

func (a *tokenApp) issue(name string) string {
	a.count++
	token := fmt.Sprintf("tok3n-%s-%d", name, a.count)
	a.tokens[token] = name
	return token
}

// who returns the owner of any token in the request, as laxly as apps do.
func (a *tokenApp) who(r *http.Request) string {
	for name, values := range r.Header {
		if name == "X-Second-Factor-User" {
			continue
		}
		for _, value := range values {
			for token, owner := range a.tokens {
				if strings.Contains(value, token) {
					return owner
				}
			}
		}
	}
	for token, owner := range a.tokens {
		if strings.Contains(r.URL.RawQuery, token) {
			return owner
		}
	}
	if cookie, err := r.Cookie("sid"); err == nil {
		return cookie.Value
	}
	return ""
}

func (a *tokenApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	who := a.who(r)
	if r.URL.Path != "/me" {
		a.seen = append(a.seen, r.Clone(context.Background()))
	}
	switch r.URL.Path {
	case "/auth/login":
		var body struct{ Username, Password string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		if body.Password != "pw-"+body.Username {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":"no"}`)
			return
		}
		token := a.issue(body.Username)
		if browsable(w, r, token) {
			return
		}
		switch a.form {
		case "range":
			whole := fmt.Sprintf(`{"token":%q}`, token)
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusPartialContent)
				whole = whole[5:]
			}
			fmt.Fprint(w, whole)
		case "header":
			w.Header().Set("X-Auth-Token", "Bearer "+token)
			fmt.Fprint(w, `{"ok":true}`)
		case "text":
			fmt.Fprint(w, token+"\n")
		case "gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "application/json")
			z := gzip.NewWriter(w)
			fmt.Fprintf(z, `{"token":%q}`, token)
			_ = z.Close()
		case "huge":
			fmt.Fprintf(w, `{"token":%q}`, token+strings.Repeat("x", login.TokenLimit))
		case "padded":
			fmt.Fprintf(w, `{"token":%q,"more":%q}`, token, strings.Repeat("x", 20<<10))
		case "elsewhere":
			fmt.Fprintf(w, `{"session":{"token":%q}}`, token)
		case "failing":
			fmt.Fprintf(w, `{"token":%q,"error":"locked"}`, token)
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"token":%q}`, token)
		}
	case "/auth/refresh":
		if a.during != nil {
			a.during()
		}
		var body struct{ Token string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		if owner := a.tokens[body.Token]; owner != "" {
			who = owner // an app may have another token for this
		}
		if who == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if token := a.issue(who); !browsable(w, r, token) {
			fmt.Fprintf(w, `{"token":%q}`, token)
		}
	case "/side": // signs in another way, by cookie
		w.Header().Set("Set-Cookie", "sid="+r.URL.Query().Get("as")+"; Path=/; HttpOnly")
		fmt.Fprint(w, "welcome, ", r.URL.Query().Get("as"))
	case "/me":
		if a.fail != 0 {
			w.WriteHeader(a.fail)
			return
		}
		if who == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"name":%q}`, who)
	default:
		if who == "" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, "the app's own refusal")
			return
		}
		fmt.Fprint(w, "secrets of ", who)
	}
}

// browsable shows a token on a page to clients that ask for pages, as interfaces do that can be viewed in a browser.
func browsable(w http.ResponseWriter, r *http.Request, token string) bool {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><pre>HTTP 200 OK {&quot;token&quot;: &quot;%s&quot;}</pre>", token)
	return true
}

func (a *tokenApp) last() *http.Request {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if len(a.seen) == 0 {
		return nil
	}
	return a.seen[len(a.seen)-1]
}

func newTokens(t testing.TB, app *tokenApp, change func(*Config)) *site {
	t.Helper()
	app.tokens = make(map[string]string)
	source := login.TokenSource{Kind: login.JSON, Name: "/token"}
	switch app.form {
	case "header":
		source = login.TokenSource{Kind: login.Header, Name: "x-auth-token"}
	case "text":
		source = login.TokenSource{Kind: login.Body}
	}
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.LoginPage, c.Logout = "/", nil
		c.Logins = login.Set{
			Blocks: []login.Block{{
				Paths: match.NewGlobs("/auth/login"), Username: login.Source{Kind: login.JSON, Name: "/username"}, Tokens: []login.TokenSource{source},
			}},
			Identities: []login.Identity{{Path: "/me", Method: "GET", Kind: login.JSON, Pointer: "/name"}},
		}
		c.Refresh = match.NewGlobs("/auth/refresh")
		if change != nil {
			change(c)
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	return s
}

var asScript = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}

func (b *browser) tokenLogin(name string) answer {
	b.s.t.Helper()
	return b.send("POST", "/auth/login", fmt.Sprintf(`{"username":%q,"password":"pw-%s"}`, name, name), asScript)
}

func tokenIn(t testing.TB, body string) string {
	t.Helper()
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Token == "" {
		t.Fatalf("no token in %q: %v", body, err)
	}
	return answer.Token
}

// enrolledByToken sets up a factor, and returns its key.
func (s *site) enrolledByToken(name string) string {
	s.t.Helper()
	b := s.browser()
	tokenIn(s.t, b.tokenLogin(name).body)
	return b.enrol()
}

// passScript answers the challenge as the guard does, and takes the withheld answer.
func (b *browser) passScript(key string) answer {
	b.s.t.Helper()
	b.s.clock.Advance(30 * time.Second)
	if got := b.send("POST", "/second-factor/challenge", fmt.Sprintf(`{"code":%q}`, b.s.code(key)), asScript); got.StatusCode != http.StatusNoContent {
		b.s.t.Fatalf("challenge: %d %s", got.StatusCode, got.body)
	}
	return b.send("GET", "/second-factor/resume", "", asScript)
}

func bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}, "Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}
}
