package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
)

// TestErrorPages: the app is unreachable, or does not say who is signed in. Everybody gets a page of ours that says so
// and tries again by itself. It names no user as signed in who is not.
func TestErrorPages(t *testing.T) {
	away := errors.New("no route to the app")
	var broken atomic.Bool
	var l *linked
	start := func(unanswered func(*http.Request, error) int) {
		l = newLinked(t, func(w http.ResponseWriter, _ *http.Request) { write(t, w, plainPage) })
		l.gateway.site.Config.SettingsLink = false
		if unanswered != nil {
			l.gateway.site.Config.Unanswered = unanswered
		}
		l.serve(func(w http.ResponseWriter, r *http.Request) error {
			if broken.Load() {
				return away
			}
			w.Header().Set("Content-Type", "text/html")
			write(t, w, plainPage)
			return nil
		})
	}
	start(func(_ *http.Request, err error) int {
		if !errors.Is(err, away) {
			return 0
		}
		return http.StatusBadGateway
	})
	broken.Store(true)
	ask := func(cookie, path, accept string) answer {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "GET", l.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Accept": {accept}, "Cookie": {cookie}}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		return readAnswer(t, response)
	}
	pending := "sallyport=" + sessionIn(t, l.site, gate.Pending)
	for name, cookie := range map[string]string{"a stranger": "", "one who owes a factor": pending, "one who is signed in": l.cookie} {
		path := "/static/page"
		got := ask(cookie, path, "text/html")
		if got.StatusCode != http.StatusBadGateway || !strings.Contains(got.body, "The application did not answer") ||
			!strings.Contains(got.body, `href="`+path+`"`) || !strings.Contains(got.body, "Try again") {
			t.Errorf("%s: %d %.600s", name, got.StatusCode, got.body)
		}
		if h := got.Header; h.Get("Refresh") == "" || h.Get("Refresh") != h.Get("Retry-After") || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, h)
		}
		if says := strings.Contains(got.body, "alice"); says != (cookie == l.cookie) {
			t.Errorf("%s is called alice: %t", name, says)
		}
		script := ask(cookie, path, "application/json")
		if script.StatusCode != http.StatusBadGateway || script.Header.Get("Content-Type") != "application/problem+json" || script.Header.Get("Refresh") != "" {
			t.Errorf("%s, a script: %d %v", name, script.StatusCode, script.Header)
		}
	}
	if !strings.Contains(l.logged.String(), "the app did not answer") {
		t.Error("nothing is logged")
	}
	broken.Store(false)
	if got := ask("", "/static/page", "text/html"); got.body != plainPage || got.Header.Get("Refresh") != "" {
		t.Errorf("when it is back: %d %q", got.StatusCode, got.body)
	}
	broken.Store(true)
	start(nil)
	if got := ask("", "/static/page", "text/html"); !strings.Contains(got.body, "bad gateway") {
		t.Errorf("where another one answers: %d %q", got.StatusCode, got.body)
	}
}

// TestErrorPagesSayIdentity: if the answer of the identity address is unclear, the error page says that. A login by
// form is not sent again by itself.
func TestErrorPagesSayIdentity(t *testing.T) {
	s := homely(t, func(*http.Request) string { return "/" })
	var unclear atomic.Bool
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case r.URL.Path == "/api/me" && unclear.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case r.URL.Path == "/login":
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "x", Path: "/", HttpOnly: true})
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
		case r.URL.Path == "/api/me" && r.Header.Get("Cookie") != "":
			w.Header().Set("Content-Type", "application/json")
			write(t, w, `{"login":"bob"}`)
		case r.URL.Path == "/api/me":
			w.WriteHeader(http.StatusUnauthorized)
		}
		return nil
	})
	b := s.browser()
	b.post("/login", url.Values{"username": {"bob"}, "password": {"x"}}).wants(t, http.StatusFound, "/")
	unclear.Store(true)
	s.clock.Advance(2 * 60e9)
	got := b.get("/page")
	if got.StatusCode != http.StatusBadGateway || !strings.Contains(got.body, "did not say clearly whose account") || got.Header.Get("Refresh") == "" {
		t.Errorf("in a session: %d %v %.800s", got.StatusCode, got.Header, got.body)
	}
	got = s.browser().post("/login", url.Values{"username": {"bob"}, "password": {"x"}})
	if got.StatusCode != http.StatusBadGateway || !strings.Contains(got.body, "did not say clearly whose account") ||
		got.Header.Get("Refresh") != "" || !strings.Contains(got.body, `href="/login"`) {
		t.Errorf("a login: %d %v %.800s", got.StatusCode, got.Header, got.body)
	}
}

// TestLoginInFrame: the app's login stands in a frame of one of this site's pages. The challenge may stand in no frame,
// so the frame stayed empty. Now the answer leads the whole window to the challenge, and no other site may frame that
// answer.
func TestLoginInFrame(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	b.enrol()
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	for dest, framed := range map[string]bool{"document": false, "iframe": true, "frame": true, "object": true, "embed": true} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", s.server.URL+"/page", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {dest}, "Sec-Fetch-Site": {"same-origin"}}
		response, err := b.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got := readAnswer(t, response)
		h := got.Header
		if !framed {
			got.wants(t, http.StatusSeeOther, "/second-factor/challenge")
			continue
		}
		policy := h.Get("Content-Security-Policy")
		if got.StatusCode != 200 || !strings.Contains(got.body, `<a href="/second-factor/challenge" target="_top">`) || h.Get("X-Frame-Options") != "SAMEORIGIN" ||
			!strings.Contains(policy, "frame-ancestors 'self'") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(got.body, "csrf_token") {
			t.Errorf("%s: %d %v %s", dest, got.StatusCode, h, got.body)
		}
	}
	for _, page := range []string{"/challenge", "/recovery"} {
		if h := b.get("/second-factor" + page).Header; h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s may stand in a frame: %v", page, h)
		}
	}
}

func readAnswer(t *testing.T, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{Response: response, body: string(body)}
}
