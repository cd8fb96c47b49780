package exchange

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// site is a site that remembers addresses, with a clock that tests move by hand.
type site struct {
	*Site
	now time.Time
}

// newSite makes a site over a session store of its own, or over that of another site.
func newSite(t *testing.T, app string, sessions *session.Manager) *site {
	t.Helper()
	s := &site{now: time.Now()}
	now := func() time.Time { return s.now }
	if sessions == nil {
		memory := session.NewMemory(session.MemoryOptions{})
		t.Cleanup(func() { _ = memory.Close() })
		sessions = session.NewShared(memory).Manager(session.Config{App: app, Now: now})
	}
	made, err := NewSite(Config{
		App: app, LoginPage: "/login", Sessions: sessions, Now: now, Pages: pages.New(pages.Options{}),
		Factors: factor.NewService(factor.NewMemoryStore(), factor.Config{App: app, Now: now}),
		Logins: login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"}}},
			Identities: []login.Identity{{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Site = made
	return s
}

// stranger makes an exchange of a browser whose cookie has that value.
func (s *site) stranger(host, value string) *Exchange {
	r := httptest.NewRequest(http.MethodGet, "/files?a=1", nil)
	r.Host, r.Header = host, http.Header{"Cookie": {"a=b; sallyport-next=" + value}}
	return &Exchange{Site: s.Site, R: r, W: httptest.NewRecorder(), Now: s.now}
}

func (s *site) remembered(t *testing.T, host, address string) string {
	t.Helper()
	x := s.stranger(host, "")
	rememberTarget(x, address)
	for _, line := range x.W.Header()["Set-Cookie"] {
		if rest, ok := strings.CutPrefix(line, "sallyport-next="); ok {
			value, _, _ := strings.Cut(rest, ";")
			return value
		}
	}
	return ""
}

// TestNextIsBound: a value counts as none unless the gateway sealed it lately for this app and this host.
func TestNextIsBound(t *testing.T) {
	s := newSite(t, "ledger", nil)
	other := newSite(t, "other", s.Config.Sessions)
	stranger := newSite(t, "ledger", nil) // another store, with keys of its own
	const host = "ledger.example"
	value := s.remembered(t, host, "/files?a=1")
	for _, spelling := range []string{host, host + ":8443", "LEDGER.Example.", "Ledger.example:80"} {
		if got := s.stranger(spelling, value).RememberedTarget(); got != "/files?a=1" {
			t.Errorf("%s: %q", spelling, got)
		}
	}
	s.now = s.now.Add(nextLife - time.Second)
	if got := s.stranger(host, value).RememberedTarget(); got == "" {
		t.Error("forgotten too early")
	}
	want := func(what string, in *site, host, value string) {
		t.Helper()
		if got := in.stranger(host, value).RememberedTarget(); got != "" {
			t.Errorf("%s: %q", what, got)
		}
	}
	s.now = s.now.Add(time.Second)
	want("after its time", s, host, value)
	s.now = s.now.Add(-nextLife - 2*time.Second)
	want("before its time", s, host, value)
	s.now = s.now.Add(2 * time.Second)
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
	// An address that is not of this site is not remembered, and would not be believed if it were.
	keys, err := s.Config.Sessions.Keys(t.Context(), nextPurpose)
	if err != nil {
		t.Fatal(err)
	}
	for _, evil := range append(evilTargets, "", "x", "/"+strings.Repeat("a", maxTarget)) {
		if s.remembered(t, host, evil) != "" && !strings.HasPrefix(evil, "/") {
			if target, ok := LocalTarget(evil, s.stranger(host, "").R); !ok {
				t.Errorf("%q is remembered as %q", evil, target)
			}
		}
		sealed, err := sealNext(keys[0], nextBound(s.stranger(host, "")), evil, s.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.stranger(host, sealed).RememberedTarget(); got != "" {
			sound(t, evil, got)
		}
	}
	if value := s.remembered(t, host, "/"+strings.Repeat("a", maxTarget-1)); len(value) > nextLongest || len(value) < 2048 ||
		s.stranger(host, value).RememberedTarget() == "" {
		t.Errorf("the longest address: a cookie of %d bytes", len(value))
	}
}

func TestHostOf(t *testing.T) {
	for host, want := range map[string]string{
		"wiki.example.com": "wiki.example.com", "Wiki.Example.COM:443": "wiki.example.com", "wiki.example.com.": "wiki.example.com",
		"wiki.example.com.:80": "wiki.example.com", "127.0.0.1:8080": "127.0.0.1", "[::1]:8080": "[::1]", "[::1]": "[::1]", "": "",
	} {
		if got := HostOf(&http.Request{Host: host}); got != want {
			t.Errorf("%q: %q", host, got)
		}
	}
	r := &http.Request{Host: "wiki.example.com:8443"}
	if allocations := testing.AllocsPerRun(100, func() { HostOf(r) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// FuzzOpenNext: whatever a browser shows, a value is believed only if the gateway sealed it for this purpose, and it
// leads to no other address.
func FuzzOpenNext(f *testing.F) {
	// The fuzzing workers are separate processes and must not open what another one has sealed.
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

// awayStore is a session store without keys.
type awayStore struct{ *session.Memory }

func (awayStore) PurposeKeys(context.Context, string) ([][]byte, error) {
	return nil, errors.New("the secrets store is away")
}

// TestNextWithoutKeys: a cookie is believed only by its seal.
func TestNextWithoutKeys(t *testing.T) {
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	s := newSite(t, "ledger", session.NewShared(awayStore{memory}).Manager(session.Config{App: "ledger"}))
	if x := s.stranger("ledger.example", "1"+strings.Repeat("A", 200)); x.RememberedTarget() != "" {
		t.Error("something is remembered")
	}
}
