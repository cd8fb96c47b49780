package gateway

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
)

const (
	linuxFirefox   = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	linuxFirefox2  = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
	windowsChrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
	trustedBrowser = "sallyport-trusted"
)

// trustingSite makes a site where browsers can be trusted for a month.
func trustingSite(t testing.TB, store factor.Store) *site {
	t.Helper()
	return newSite(t, demo.Knobs{}, func(c *Config) {
		c.Public = gate.Open("/static/*", "/reset?*")
		c.Factors = factor.NewService(store, factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now, Remember: 30 * 24 * time.Hour})
	})
}

// as makes a browser of this kind.
func (s *site) as(agent string) *browser {
	b := s.browser()
	b.client.Transport = agentTransport(agent)
	return b
}

type agentTransport string

func (a agentTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", string(a))
	return http.DefaultTransport.RoundTrip(r)
}

// cookieTransport adds a line of cookies unchanged, which a cookie jar would not do.
type cookieTransport struct {
	agentTransport
	line string
}

func (c cookieTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header["Cookie"] = append(r.Header["Cookie"], c.line)
	return c.agentTransport.RoundTrip(r)
}

// trust signs bob in with a code, has the browser trusted, and signs him out.
func (b *browser) trust(key string) {
	b.s.t.Helper()
	b.signIn("bob", demo.BobPassword).wants(b.s.t, http.StatusSeeOther, "/second-factor/challenge")
	b.own("/challenge", "/challenge", url.Values{"code": {b.s.code(key)}, "trust": {"yes"}}).wants(b.s.t, http.StatusSeeOther, "/")
	b.s.clock.Advance(30 * time.Second)
	b.own("/", "/logout", nil)
}

// cookies returns the browser's cookies, by name.
func (b *browser) cookies() map[string]string {
	u, err := url.Parse(b.s.server.URL)
	if err != nil {
		b.s.t.Fatal(err)
	}
	all := make(map[string]string)
	for _, c := range b.client.Jar.Cookies(u) {
		all[c.Name] = c.Value
	}
	return all
}

// plant puts a copied cookie into the browser.
func (b *browser) plant(name, value string) {
	u, err := url.Parse(b.s.server.URL)
	if err != nil {
		b.s.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// trusting makes a site, bob's key, and a browser of his that is trusted.
func trusting(t testing.TB) (s *site, key string, b *browser) {
	t.Helper()
	return trustingOver(t, factor.NewMemoryStore())
}

// trustingOver is trusting with the secrets in this store.
func trustingOver(t testing.TB, store factor.Store) (s *site, key string, b *browser) {
	t.Helper()
	s = trustingSite(t, store)
	b = s.as(linuxFirefox)
	b.signIn("bob", demo.BobPassword)
	key = b.enrol()
	b.get("/second-factor/recovery-codes")
	b.own("/", "/logout", nil)
	b.trust(key)
	return s, key, b
}

func wantChallenge(t testing.TB, b *browser) {
	t.Helper()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	if got := b.get("/api/entries"); got.StatusCode == http.StatusOK {
		t.Error("the app is open")
	}
}

func wantNoChallenge(t testing.TB, b *browser) {
	t.Helper()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("the app answers %d", got.StatusCode)
	}
	b.own("/", "/logout", nil)
}

func TestTrustedBrowser(t *testing.T) {
	s, _, b := trusting(t)
	for range 2 {
		before := b.cookies()[trustedBrowser]
		wantNoChallenge(t, b)
		if after := b.cookies()[trustedBrowser]; after == before || after == "" {
			t.Errorf("the secret was %q and is %q", before, after)
		}
	}
	// The browser updates itself, and counts as the same one.
	b.client.Transport = agentTransport(linuxFirefox2)
	wantNoChallenge(t, b)
	page := b.get("/second-factor/")
	page.wants(t, http.StatusSeeOther, "/login")
	b.signIn("bob", demo.BobPassword)
	if page := b.get("/second-factor/"); !strings.Contains(page.body, "Firefox, Linux") || !strings.Contains(page.body, "Signed in from a trusted browser") {
		t.Errorf("the settings page does not tell of it: %s", page.body)
	}
	// Trust is no code: a change of factors asks for a code.
	if got := b.own("/reset", "/reset", nil); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("reset without a code: %d", got.StatusCode)
	}
	b.own("/", "/logout", nil)
	s.clock.Advance(30 * 24 * time.Hour)
	wantChallenge(t, b)
}

// TestP5_TrustIsNotPortable: mallory has bob's password, and a copy of the cookie that makes his browser trusted.
func TestP5_TrustIsNotPortable(t *testing.T) {
	t.Run("to another kind of browser", func(t *testing.T) {
		s, _, b := trusting(t)
		m := s.as(windowsChrome)
		m.plant(trustedBrowser, b.cookies()[trustedBrowser])
		wantChallenge(t, m)
		wantChallenge(t, b) // bob's browser is no longer trusted either, so he sees that something happened
	})
	t.Run("after its owner has used it", func(t *testing.T) {
		s, _, b := trusting(t)
		m := s.as(linuxFirefox)
		m.plant(trustedBrowser, b.cookies()[trustedBrowser])
		wantNoChallenge(t, b)
		s.clock.Advance(2 * time.Minute)
		wantChallenge(t, m)
		wantChallenge(t, b)
	})
	t.Run("to another account", func(t *testing.T) {
		s, _, b := trusting(t)
		a := s.as(linuxFirefox)
		a.signIn("alice", demo.AlicePassword)
		a.enrol()
		a.own("/", "/logout", nil)
		a.plant(trustedBrowser, b.cookies()[trustedBrowser])
		a.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		wantNoChallenge(t, b)
	})
	t.Run("without the password", func(t *testing.T) {
		s, _, b := trusting(t)
		m := s.as(linuxFirefox)
		m.plant(trustedBrowser, b.cookies()[trustedBrowser])
		if got := m.signIn("bob", "wrong"); got.StatusCode == http.StatusSeeOther && got.Header.Get("Location") == "/" {
			t.Error("the cookie stands in for the password")
		}
		m.get("/files").wants(t, http.StatusSeeOther, "/login")
		wantNoChallenge(t, b) // and it was not used up
	})
	t.Run("twice in one request", func(t *testing.T) {
		s, _, b := trusting(t)
		value := trustedBrowser + "=" + b.cookies()[trustedBrowser]
		m := s.as(linuxFirefox)
		m.client.Transport = cookieTransport{agentTransport(linuxFirefox), value + "; " + value}
		wantChallenge(t, m)
	})
	t.Run("to a sign-in by another way", func(t *testing.T) {
		s, _, b := trusting(t)
		token, err := s.app.ResetToken("bob")
		if err != nil {
			t.Fatal(err)
		}
		b.get("/reset?token="+token).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	})
}

// TestTrustedBrowserOfTwo: two accounts use one browser, and each is trusted there.
func TestTrustedBrowserOfTwo(t *testing.T) {
	s, _, b := trusting(t)
	b.signIn("alice", demo.AlicePassword)
	key := b.enrol()
	b.get("/second-factor/recovery-codes")
	b.own("/", "/logout", nil)
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}, "trust": {"yes"}}).wants(t, http.StatusSeeOther, "/")
	b.own("/", "/logout", nil)
	wantNoChallenge(t, b)
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
}

var removeButton = regexp.MustCompile(`name="id" value="([0-9a-f]{32})"`)

func TestTrustEndsByHand(t *testing.T) {
	for name, end := range map[string]func(b *browser, key string){
		"removed": func(b *browser, _ string) {
			id := find(b.s.t, removeButton, b.get("/second-factor/").body)
			b.own("/", "/browsers", url.Values{"id": {id}}).wants(b.s.t, http.StatusSeeOther, "/second-factor/")
		},
		"all removed": func(b *browser, _ string) {
			b.own("/", "/browsers", nil).wants(b.s.t, http.StatusSeeOther, "/second-factor/")
		},
		"reset": func(b *browser, key string) {
			b.own("/reset", "/reset", url.Values{"code": {b.s.code(key)}}).wants(b.s.t, http.StatusSeeOther, "/second-factor/setup")
			newKey := find(b.s.t, secretKey, b.get("/second-factor/setup").body)
			b.own("/setup", "/setup/confirm", url.Values{"code": {b.s.code(newKey)}}).wants(b.s.t, http.StatusSeeOther, "/second-factor/")
		},
		"disabled and set up again": func(b *browser, key string) {
			b.own("/disable", "/disable", url.Values{"code": {b.s.code(key)}}).wants(b.s.t, http.StatusSeeOther, "/second-factor/")
			b.enrol()
			b.get("/second-factor/recovery-codes")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, key, b := trusting(t)
			b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
			s.clock.Advance(time.Minute)
			end(b, key)
			b.own("/", "/logout", nil)
			wantChallenge(t, b)
		})
	}
}

// TestP3_TrustStaysHere: the app never sees the secret of a trusted browser, and cannot set one.
func TestP3_TrustStaysHere(t *testing.T) {
	s := trustingSite(t, factor.NewMemoryStore())
	for _, name := range []string{trustedBrowser, "__Host-" + trustedBrowser} {
		if line := s.gateway.site.Cookies.CookieHeader([]string{name + "=secret; theme=dark"}, nil, []string{name, "theme"}, "x", "/", s.clock.Now()); line != "theme=dark" {
			t.Errorf("the app is sent %q", line)
		}
		if sorted := s.gateway.site.Cookies.Sort([]string{name + "=planted; Path=/"}, nil, false); len(sorted.Browser) > 0 || len(sorted.Held) > 0 {
			t.Errorf("the app sets %q", sorted.Browser)
		}
	}
}

// TestP6_TrustWithoutAStore: while the secrets store cannot say whether a browser is trusted, it is not.
func TestP6_TrustWithoutAStore(t *testing.T) {
	store := &failingSecrets{Store: factor.NewMemoryStore()}
	s, key, b := trustingOver(t, store)
	store.strike(func(context.Context) error { return factor.ErrUnavailable }, "put")
	wantChallenge(t, b)
	store.end()
	b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/")
}

// TestP5_ResetDuringATrustedSignIn: mallory has bob's password and his laptop, which is trusted. She signs in at the
// very moment in which bob, at home, resets his token because of that. His reset ends his other sessions, but hers does
// not exist yet. It must not become verified afterwards.
func TestP5_ResetDuringATrustedSignIn(t *testing.T) {
	calls := 0
	for ; ; calls++ {
		store := &overtaken{Store: factor.NewMemoryStore()}
		s, _, b := trustingOver(t, store)
		// Bob's reset goes through another node, because one in this process would wait for its turn.
		node := factor.NewService(store.Store, factor.Config{App: "ledger", Kinds: kinds(), Now: s.clock.Now, Remember: time.Hour})
		store.skip = calls
		store.then = func() {
			s.confirmAt(node, "bob")
			if err := s.gateway.site.Config.Sessions.DestroyOthers(t.Context(), "bob", ""); err != nil {
				t.Fatal(err)
			}
		}
		signedIn := b.signIn("bob", demo.BobPassword)
		if store.then != nil {
			break // a sign-in asks no more often than that
		}
		if got := b.get("/api/entries"); got.StatusCode == http.StatusOK {
			t.Errorf("reset at call %d, the sign-in is answered with %d, and the app is open", calls+1, signedIn.StatusCode)
		}
	}
	if calls < 4 {
		t.Errorf("a sign-in asked %d times", calls)
	}
}
