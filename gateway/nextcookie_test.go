package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/session"
)

// stored counts what is written to a store, and can be without keys.
type stored struct {
	*session.Memory
	writes atomic.Int64
	away   atomic.Bool
}

func (s *stored) CommitCtx(ctx context.Context, token string, value []byte, expiry time.Time) error {
	s.writes.Add(1)
	return s.Memory.CommitCtx(ctx, token, value, expiry)
}

func (s *stored) SwapCtx(ctx context.Context, token string, expected session.Version, value []byte, expiry time.Time) error {
	s.writes.Add(1)
	return s.Memory.SwapCtx(ctx, token, expected, value, expiry)
}

func (s *stored) PurposeKeys(context.Context, string) ([][]byte, error) {
	if s.away.Load() {
		return nil, errors.New("the secrets store is away")
	}
	return nil, nil
}

func newStored(t *testing.T) (*site, *stored) {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	store := &stored{Memory: memory}
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Sessions = session.NewShared(store).Manager(session.Config{App: "ledger", Now: c.Now})
	})
	return s, store
}

// cookieIn is the value that an answer gives a cookie, and the whole line.
func (a answer) cookieIn(name string) (value, line string) {
	for _, line := range a.Header["Set-Cookie"] {
		if rest, ok := strings.CutPrefix(line, name+"="); ok {
			value, _, _ = strings.Cut(rest, ";")
			return value, line
		}
	}
	return "", ""
}

// TestStrangersPageLoadWritesNothing: whoever loads protected pages without end would fill the store. The page is
// remembered by the browser, and the sign-in leads to it.
func TestStrangersPageLoadWritesNothing(t *testing.T) {
	s, store := newStored(t)
	b := s.browser()
	page := b.get("/files?folder=7")
	page.wants(t, http.StatusSeeOther, "/login")
	value, line := page.cookieIn("sallyport-next")
	if value == "" || line != "sallyport-next="+value+"; Path=/; Max-Age=600; HttpOnly; SameSite=Lax" {
		t.Errorf("the cookie: %q", line)
	}
	if token, _ := page.cookieIn("sallyport"); token != "" || store.writes.Load() != 0 || store.Len() != 0 {
		t.Errorf("%d writes, %d sessions, token %q", store.writes.Load(), store.Len(), token)
	}
	// Whoever has an anonymous session has it remembered in the same way.
	login := b.get("/login") // the app's form sets a cookie
	written := store.writes.Load()
	if written == 0 {
		t.Fatal("the login page has written no session: the test is broken")
	}
	b.get("/files?folder=8").wants(t, http.StatusSeeOther, "/login")
	for _, other := range []answer{
		b.do("HEAD", "/files", "", ""), b.do("GET", "/files", "application/json", ""), b.do("POST", "/files", "", "x"), b.get("/static/x"), login,
	} {
		if value, _ := other.cookieIn("sallyport-next"); value != "" {
			t.Errorf("%s %s is remembered", other.Request.Method, other.Request.URL)
		}
	}
	if got := store.writes.Load(); got != written {
		t.Errorf("%d writes by page loads", got-written)
	}
	got := b.post("/login", url.Values{"username": {"bob"}, "password": {demo.BobPassword}, "csrf": {find(t, csrfField, login.body)}})
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", got.StatusCode)
	}
	if _, line := got.cookieIn("sallyport-next"); line != "sallyport-next=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax" {
		t.Errorf("after the sign-in: %q", line)
	}
	token, _ := got.cookieIn("sallyport")
	if data, err := s.gateway.config.Sessions.Load(t.Context(), token); err != nil || data == nil || data.Next != "/files?folder=8" {
		t.Errorf("%v %v remembers another page", data, err)
	}
}

// TestNextReachesNoApp: it is the gateway's own cookie (P3).
func TestNextReachesNoApp(t *testing.T) {
	s, _ := newStored(t)
	b := s.browser()
	b.get("/files")
	var seen atomic.Value
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		seen.Store(strings.Join(r.Header["Cookie"], ";"))
		return app(w, r)
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/static/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Cookie", "sallyport-next=1abc; theme=dark; __Host-sallyport-next=1abc")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got, _ := seen.Load().(string); strings.Contains(got, "next") {
		t.Errorf("the app gets %q", got)
	}
}

// TestNextWithoutKeys: the secrets store is away. Nothing is remembered, and nothing else is missing.
func TestNextWithoutKeys(t *testing.T) {
	s, store := newStored(t)
	store.away.Store(true)
	page := s.browser().get("/files")
	page.wants(t, http.StatusSeeOther, "/login")
	if len(page.Header["Set-Cookie"]) != 0 {
		t.Errorf("%q", page.Header["Set-Cookie"])
	}
	if x := s.stranger("ledger.example", "1"+strings.Repeat("A", 200)); x.rememberedTarget() != "" {
		t.Error("something is remembered")
	}
}

// stranger is an exchange of a browser with a cookie of that value.
func (s *site) stranger(host, value string) *exchange {
	r := httptest.NewRequest(http.MethodGet, "/files?a=1", nil)
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	r.Host, r.Header = host, http.Header{"Cookie": {"a=b; sallyport-next=" + value}}
	return &exchange{Gateway: s.gateway, r: r, w: httptest.NewRecorder(), now: s.clock.now}
}

func (s *site) remembered(t *testing.T, host, address string) string {
	t.Helper()
	x := s.stranger(host, "")
	x.rememberTarget(address)
	value, _ := answer{Response: &http.Response{Header: x.w.Header()}}.cookieIn("sallyport-next")
	return value
}

// TestNextIsBound: what the gateway did not seal for this app and this host, or not lately, counts as none.
func TestNextIsBound(t *testing.T) {
	s, _ := newStored(t)
	other := newSite(t, demo.Knobs{}, func(c *Config) { c.App, c.Sessions = "other", s.gateway.config.Sessions })
	stranger := newSite(t, demo.Knobs{}, nil) // another store, with keys of its own
	const host = "ledger.example"
	value := s.remembered(t, host, "/files?a=1")
	for _, spelling := range []string{host, host + ":8443", "LEDGER.Example.", "Ledger.example:80"} {
		if got := s.stranger(spelling, value).rememberedTarget(); got != "/files?a=1" {
			t.Errorf("%s: %q", spelling, got)
		}
	}
	s.clock.advance(nextLife - time.Second)
	if got := s.stranger(host, value).rememberedTarget(); got == "" {
		t.Error("forgotten too early")
	}
	want := func(what string, in *site, host, value string) {
		t.Helper()
		if got := in.stranger(host, value).rememberedTarget(); got != "" {
			t.Errorf("%s: %q", what, got)
		}
	}
	s.clock.advance(time.Second)
	want("after its time", s, host, value)
	s.clock.advance(-nextLife - 2*time.Second)
	want("before its time", s, host, value)
	s.clock.advance(2 * time.Second)
	want("at another host", s, "wiki.example", value)
	want("at a host below", s, "a."+host, value)
	want("at another app", other, host, value)
	want("of another gateway", stranger, host, value)
	want("twice", s, host, value+"; sallyport-next="+value)
	for i := range value {
		changed := []byte(value)
		changed[i] ^= 1
		want("tampered", s, host, string(changed))
		want("cut", s, host, value[:i])
	}
	want("longer", s, host, value+"A")
	want("padded", s, host, value+"=")
	want("endless", s, host, value+strings.Repeat("A", 1<<20))
	// What is no address of this site is not remembered, and would not be believed where it was.
	keys, err := s.gateway.config.Sessions.Keys(t.Context(), nextPurpose)
	if err != nil {
		t.Fatal(err)
	}
	for _, evil := range append(evilTargets, "", "x", "/"+strings.Repeat("a", maxTarget)) {
		if s.remembered(t, host, evil) != "" && !strings.HasPrefix(evil, "/") {
			if target, ok := localTarget(evil, s.stranger(host, "").r); !ok {
				t.Errorf("%q is remembered as %q", evil, target)
			}
		}
		sealed, err := sealNext(keys[0], s.stranger(host, "").nextBound(), evil, s.clock.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.stranger(host, sealed).rememberedTarget(); got != "" {
			sound(t, evil, got)
		}
	}
	if value := s.remembered(t, host, "/"+strings.Repeat("a", maxTarget-1)); len(value) > nextLongest || len(value) < 2048 ||
		s.stranger(host, value).rememberedTarget() == "" {
		t.Errorf("the longest address: a cookie of %d bytes", len(value))
	}
}

func TestHostOf(t *testing.T) {
	for host, want := range map[string]string{
		"wiki.example.com": "wiki.example.com", "Wiki.Example.COM:443": "wiki.example.com", "wiki.example.com.": "wiki.example.com",
		"wiki.example.com.:80": "wiki.example.com", "127.0.0.1:8080": "127.0.0.1", "[::1]:8080": "[::1]", "[::1]": "[::1]", "": "",
	} {
		if got := hostOf(&http.Request{Host: host}); got != want {
			t.Errorf("%q: %q", host, got)
		}
	}
	r := &http.Request{Host: "wiki.example.com:8443"}
	if allocations := testing.AllocsPerRun(100, func() { hostOf(r) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// FuzzOpenNext: whatever a browser shows, what is believed was sealed by us for this purpose, and leads nowhere else.
func FuzzOpenNext(f *testing.F) {
	// The workers are processes of their own, and must not open what another one has sealed.
	key, now := make([]byte, session.KeySize), time.Unix(1_800_000_000, 0)
	_, _ = rand.Read(key) // it never fails
	const bound = "purpose\x00app\x00host"
	sealed, err := sealNext(key, bound, "/page?a=1", now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, "/page")
	f.Add("", "//evil.example")
	f.Add("1"+base64.RawURLEncoding.EncodeToString(make([]byte, 64)), "/\\evil.example")
	f.Add("1"+strings.Repeat("A", nextLongest), strings.Repeat("/", 3000))
	f.Fuzz(func(t *testing.T, value, target string) {
		if got, ok := openNext(key, bound, value, now); ok && (value != sealed || got != "/page?a=1") {
			t.Fatalf("%q opens as %q", value, got)
		}
		mine, err := sealNext(key, bound, target, now)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := openNext(key, bound, mine, now)
		if ok && got != target {
			t.Fatalf("%q became %q", target, got)
		}
		if ok && leadsAway(got) {
			t.Fatalf("%q leads away", got)
		}
		if _, ok := openNext(key, bound+"x", mine, now); ok {
			t.Fatal("it opens elsewhere")
		}
	})
}
