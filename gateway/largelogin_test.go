package gateway

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
)

// largeApp answers every login, right or wrong, with all of itself.
type largeApp struct {
	page      string
	zipped    bool
	mediaType string
	broken    atomic.Bool
}

func (a *largeApp) serve(w http.ResponseWriter, r *http.Request) error {
	switch r.URL.Path {
	case "/login":
		if r.Method == http.MethodPost && r.FormValue("password") == "right" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "of-" + r.FormValue("username"), Path: "/", HttpOnly: true})
		}
		w.Header().Set("Content-Type", a.mediaType)
		to := io.Writer(w)
		if a.zipped {
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			defer zip.Close()
			to = zip
		}
		for rest := a.page; rest != ""; {
			n := min(len(rest), 100_000)
			if _, err := io.WriteString(to, rest[:n]); err != nil {
				panic(http.ErrAbortHandler)
			}
			if rest = rest[n:]; a.broken.Load() && len(rest) < 1<<20 {
				panic(http.ErrAbortHandler)
			}
		}
	case "/api/me":
		cookie, err := r.Cookie("sid")
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return nil
		}
		w.Header().Set("Content-Type", "application/json")
		_, err = io.WriteString(w, `{"login":"`+strings.TrimPrefix(cookie.Value, "of-")+`"}`)
		return err
	default:
		_, err := io.WriteString(w, "secret")
		return err
	}
	return nil
}

// TestLargeLoginAnswer: a single-page app answers a login with all of itself, which is more than can be judged. No rule
// reads the body, so the login works by status, headers and identity.
func TestLargeLoginAnswer(t *testing.T) {
	for _, zipped := range []bool{false, true} {
		a := &largeApp{page: "<!DOCTYPE html>" + strings.Repeat("<p>0123456789</p>", 300_000) + "the end", zipped: zipped, mediaType: "text/html"}
		s := newSite(t, demo.Knobs{}, nil)
		s.serve(a.serve)
		enter := func(b *browser, name, password string) answer {
			return b.post("/login", url.Values{"username": {name}, "password": {password}})
		}
		b := s.browser()
		got := enter(b, "alice", "right")
		if got.StatusCode != http.StatusOK || got.body != a.page {
			t.Fatalf("zipped %t: no factor: %d, %d bytes of %d", zipped, got.StatusCode, len(got.body), len(a.page))
		}
		key := b.enrol()
		b.own("/", "/logout", nil)
		if got := enter(b, "alice", "right"); got.Header.Get("Location") != "/second-factor/challenge" || strings.Contains(got.body, "<p>") {
			t.Fatalf("zipped %t: the factor: %d, %d bytes", zipped, got.StatusCode, len(got.body))
		}
		if got := b.get("/x"); strings.Contains(got.body, "secret") {
			t.Fatal("open by the password")
		}
		b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/")
		if got := b.get("/x"); got.body != "secret" {
			t.Errorf("zipped %t: verified: %d", zipped, got.StatusCode)
		}
		stranger := s.browser()
		// Nobody has read whether the page has the login's form.
		enter(stranger, "alice", "wrong").wants(t, http.StatusSeeOther, "/login")
		// An answer that is not a page is shown to nobody who is not signed in, as with small answers.
		a.mediaType = "application/octet-stream"
		if got := enter(stranger, "alice", "wrong"); got.StatusCode != http.StatusBadGateway || len(got.body) > 64<<10 {
			t.Errorf("zipped %t: a wrong password, and no page: %d, %d bytes", zipped, got.StatusCode, len(got.body))
		}
		a.mediaType = "text/html"
		a.broken.Store(true)
		if got := enter(s.browser(), "bob", "right"); got.StatusCode != http.StatusBadGateway || len(got.body) > 64<<10 {
			t.Errorf("zipped %t: broken off: %d, %d bytes", zipped, got.StatusCode, len(got.body))
		}
		if count := s.gateway.site.Room.Count(); count != 0 {
			t.Errorf("zipped %t: %d rooms are taken still", zipped, count)
		}
	}
}

// TestLargeLoginAnswerThatCounts: a rule looks at the body, or a token stands in it, so the end of a large body may say
// something else than its beginning. Such a login is refused, and so is one whose answer exceeds all limits, and one
// for which there is no room.
func TestLargeLoginAnswerThatCounts(t *testing.T) {
	page := "<!DOCTYPE html>" + strings.Repeat("<p>0123456789</p>", 100_000)
	for name, test := range map[string]struct {
		change func(*Config)
		page   string
	}{
		"success": {func(c *Config) { c.Logins.Blocks[0].Success = [][]login.Rule{{{Kind: login.Body, Value: "<p>"}}} }, page},
		"failure": {func(c *Config) {
			c.Logins.Blocks[0].Failure = [][]login.Rule{{{Kind: login.JSON, Name: "/error", AnyValue: true}}}
		}, page},
		"token":      {func(c *Config) { c.Logins.Blocks[0].Tokens = []login.TokenSource{{Kind: login.JSON, Name: "/token"}} }, page},
		"too large":  {nil, strings.Repeat("<p>0123456789</p>", (upstream.LargeLimit+3<<20)/17)},
		"the others": {nil, page},
	} {
		s := newSite(t, demo.Knobs{}, test.change)
		s.serve((&largeApp{page: test.page, mediaType: "text/html"}).serve)
		want := http.StatusBadGateway
		if name == "the others" {
			for range 8 {
				if _, ok := s.gateway.site.Requests.BeginForm("127.0.0.1"); !ok {
					t.Fatal("no room")
				}
			}
		}
		got := s.browser().post("/login", url.Values{"username": {"bob"}, "password": {"right"}})
		if got.StatusCode != want || len(got.body) > 64<<10 {
			t.Errorf("%s: %d, %d bytes", name, got.StatusCode, len(got.body))
		}
	}
}
