package gateway

import (
	"context"
	"errors"
	"net/http"
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

// cookieIn returns the value that an answer gives a cookie, and the whole line.
func (a answer) cookieIn(name string) (value, line string) {
	for _, line := range a.Header["Set-Cookie"] {
		if rest, ok := strings.CutPrefix(line, name+"="); ok {
			value, _, _ = strings.Cut(rest, ";")
			return value, line
		}
	}
	return "", ""
}

// TestStrangersPageLoadWritesNothing: a client that loads protected pages without end would fill the store. So the
// browser remembers the page, and the sign-in leads to it.
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
	// The page is remembered in the same way if there is an anonymous session.
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
	if data, err := s.gateway.site.Config.Sessions.Load(t.Context(), bare(token)); err != nil || data == nil || data.Next != "/files?folder=8" {
		t.Errorf("%v %v remembers another page", data, err)
	}
}

// TestNextReachesNoApp: the cookie is the gateway's own and does not go to the app (P3).
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

// TestNextWithoutKeys: the secrets store is unreachable. Nothing is remembered, and everything else works.
func TestNextWithoutKeys(t *testing.T) {
	s, store := newStored(t)
	store.away.Store(true)
	page := s.browser().get("/files")
	page.wants(t, http.StatusSeeOther, "/login")
	if len(page.Header["Set-Cookie"]) != 0 {
		t.Errorf("%q", page.Header["Set-Cookie"])
	}
}
