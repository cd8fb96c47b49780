package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	totpkind "sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/internal/testclock"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// site is a gateway in front of the demo app, over real sockets, with Go's reverse proxy in between.
type site struct {
	t       testing.TB
	app     *demo.App
	gateway *Gateway
	server  *httptest.Server
	factors *factor.Service
	clock   *testclock.Clock
	logged  *strings.Builder
}

// kinds returns the kinds of factors of a gateway, with recovery codes that cost little.
func kinds() []factor.Kind {
	return []factor.Kind{totpkind.New("", totpkind.Parameters{}), recovery.New(1000)}
}

// newSite starts a site. change may alter the configuration.
func newSite(t testing.TB, knobs demo.Knobs, change func(*Config)) *site {
	t.Helper()
	s := &site{t: t, app: demo.New(demo.Options{Knobs: knobs}), clock: testclock.New(time.Now()), logged: new(strings.Builder)}
	upstream := httptest.NewServer(s.app)
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.factors = factor.NewService(factor.NewMemoryStore(), factor.Config{App: "ledger", Kinds: kinds(), Now: s.clock.Now})
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	config := Config{
		App: "ledger", LoginPage: "/login",
		Public: gate.Open("/static/*"), Protect: match.NewGlobs("/static/private/*"), Logout: match.NewGlobs("/logout"),
		Logins: login.Set{
			Blocks: []login.Block{
				{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"}},
				{Paths: match.NewGlobs("/api/login"), Username: login.Source{Kind: login.JSON, Name: "/user/name"}},
			},
			Identities: []login.Identity{{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}},
		},
		Sessions: session.NewShared(memory).Manager(session.Config{App: "ledger", Now: s.clock.Now}),
		Factors:  s.factors, Pages: pages.New(pages.Options{}), Now: s.clock.Now,
		Logger: slog.New(slog.NewTextHandler(s.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&config)
	}
	if s.gateway, err = New(config); err != nil {
		t.Fatal(err)
	}
	next := func(w http.ResponseWriter, r *http.Request) (err error) {
		proxy := &httputil.ReverseProxy{
			Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host },
			ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, failed error) { err = failed },
		}
		proxy.ServeHTTP(w, r)
		return err
	}
	s.serve(next)
	return s
}

// serve puts the gateway in front of the given rest of the route.
func (s *site) serve(next Handler) {
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.gateway.ServeHTTP(w, r, next); err != nil {
			http.Error(w, "bad gateway", http.StatusBadGateway)
		}
	}))
	s.t.Cleanup(s.server.Close)
}

// browser is a client that keeps cookies, follows no redirect, and sends the headers that browsers send.
type browser struct {
	s      *site
	client *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s: s, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response that was read completely.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, path, contentType, body string) answer {
	b.s.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, b.s.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.s.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,*/*")
	if contentType == "application/json" {
		request.Header.Set("Accept", "application/json")
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		b.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{Response: response, body: string(read)}
}

func (b *browser) get(path string) answer { return b.do("GET", path, "", "") }

func (b *browser) post(path string, values url.Values) answer {
	return b.do("POST", path, "application/x-www-form-urlencoded", values.Encode())
}

var (
	csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	ownCSRF   = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)
	secretKey = regexp.MustCompile(`<code id="secret"[^>]*>([^<]+)</code>`)
)

func find(t testing.TB, pattern *regexp.Regexp, body string) string {
	t.Helper()
	found := pattern.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no %v in %.2000s", pattern, body)
	}
	return found[1]
}

// signIn types a password into the app's own form.
func (b *browser) signIn(name, password string) answer {
	b.s.t.Helper()
	page := b.get("/login")
	if page.Header.Get("Location") == "/second-factor/challenge" {
		// A user who owes a factor signs out first.
		b.own("/challenge", "/logout", nil)
		page = b.get("/login")
	}
	return b.post("/login", url.Values{"username": {name}, "password": {password}, "csrf": {find(b.s.t, csrfField, page.body)}})
}

// own posts a form of one of the gateway's own pages, with the token from the page at from.
func (b *browser) own(from, to string, values url.Values) answer {
	b.s.t.Helper()
	if values == nil {
		values = url.Values{}
	}
	values.Set("csrf_token", find(b.s.t, ownCSRF, b.get("/second-factor"+from).body))
	return b.post("/second-factor"+to, values)
}

// code returns a key's code at the site's time.
func (s *site) code(key string) string {
	s.t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(key, " ", ""), s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// enrol sets up a second factor in a session without one, and returns the key.
func (b *browser) enrol() string {
	b.s.t.Helper()
	if got := b.own("/", "/setup", nil); got.StatusCode != http.StatusSeeOther {
		b.s.t.Fatalf("set up: %d", got.StatusCode)
	}
	key := find(b.s.t, secretKey, b.get("/second-factor/setup").body)
	got := b.own("/setup", "/setup/confirm", url.Values{"code": {b.s.code(key)}})
	if got.StatusCode != http.StatusSeeOther {
		b.s.t.Fatalf("confirm: %d %s", got.StatusCode, got.body)
	}
	b.s.clock.Advance(30 * time.Second)
	return key
}

func (a answer) wants(t testing.TB, status int, location string) {
	t.Helper()
	if a.StatusCode != status || a.Header.Get("Location") != location {
		t.Fatalf("got %d to %q, want %d to %q\n%.1500s", a.StatusCode, a.Header.Get("Location"), status, location, a.body)
	}
}
