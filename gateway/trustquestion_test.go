package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
)

// asked signs bob in with a code on the challenge's own form, in a browser that is not trusted, up to the question.
func asked(t testing.TB) (s *site, key string, b *browser) {
	t.Helper()
	s = trustingSite(t, factor.NewMemoryStore())
	b = s.as(linuxFirefox)
	b.signIn("bob", demo.BobPassword)
	key = b.enrol()
	b.get("/second-factor/recovery-codes")
	b.own("/", "/logout", nil)
	b.get("/").wants(t, http.StatusSeeOther, "/login")
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}, "then": {"ask"}}).wants(t, http.StatusSeeOther, "/second-factor/trust")
	s.clock.Advance(30 * time.Second)
	return s, key, b
}

// TestTrustIsAskedAfterTheCode: the question keeps nobody out, takes one answer, and leads to where the app wanted to
// go.
func TestTrustIsAskedAfterTheCode(t *testing.T) {
	t.Run("yes", func(t *testing.T) {
		_, _, b := asked(t)
		page := b.get("/second-factor/trust")
		if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "Trust this browser for 30 days?") {
			t.Fatalf("%d %s", page.StatusCode, page.body)
		}
		if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
			t.Errorf("the question is a gate: %d", got.StatusCode)
		}
		b.own("/trust", "/trust", url.Values{"trust": {"yes"}}).wants(t, http.StatusSeeOther, "/")
		b.get("/second-factor/trust").wants(t, http.StatusSeeOther, "/second-factor/")
		b.own("/", "/trust", url.Values{"trust": {"yes"}}).wants(t, http.StatusSeeOther, "/second-factor/")
		b.own("/", "/logout", nil)
		wantNoChallenge(t, b)
	})
	t.Run("no", func(t *testing.T) {
		_, _, b := asked(t)
		b.own("/trust", "/trust", url.Values{"trust": {"no"}}).wants(t, http.StatusSeeOther, "/")
		if b.cookies()[trustedBrowser] != "" {
			t.Error("the browser is trusted all the same")
		}
		b.own("/", "/logout", nil)
		wantChallenge(t, b)
	})
	t.Run("no answer", func(t *testing.T) {
		_, _, b := asked(t)
		b.own("/", "/logout", nil)
		wantChallenge(t, b)
	})
}

// TestTrustIsNotAsked: a script that answers the question together with the code, or says nothing of it, is obeyed at
// once. A user is not asked if she has just had the browser trusted, or if no browser can be trusted.
func TestTrustIsNotAsked(t *testing.T) {
	for name, values := range map[string]url.Values{
		"no page of ours": {}, "yes at once": {"then": {"ask"}, "trust": {"yes"}}, "no at once": {"then": {"ask"}, "trust": {"no"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, key, b := asked(t)
			b.own("/", "/logout", nil)
			b.signIn("bob", demo.BobPassword)
			values.Set("code", s.code(key))
			b.own("/challenge", "/challenge", values).wants(t, http.StatusSeeOther, "/")
			b.get("/second-factor/trust").wants(t, http.StatusSeeOther, "/second-factor/")
			if trusted := b.cookies()[trustedBrowser] != ""; trusted != (name == "yes at once") {
				t.Errorf("trusted: %v", trusted)
			}
		})
	}
	t.Run("without remember", func(t *testing.T) {
		s := newSite(t, demo.Knobs{}, nil)
		b := s.browser()
		b.signIn("bob", demo.BobPassword)
		key := b.enrol()
		b.own("/", "/logout", nil)
		b.signIn("bob", demo.BobPassword)
		b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}, "then": {"ask"}}).wants(t, http.StatusSeeOther, "/")
		b.own("/", "/trust", url.Values{"trust": {"yes"}}).wants(t, http.StatusSeeOther, "/second-factor/")
		if b.cookies()[trustedBrowser] != "" {
			t.Error("the browser is trusted")
		}
	})
}

// TestP5_TrustNeedsTheCode: mallory sits down at a desk where bob is still signed in, and tries to have his browser
// trusted for a month without a code.
func TestP5_TrustNeedsTheCode(t *testing.T) {
	yes := url.Values{"trust": {"yes"}}
	refused := func(t *testing.T, b *browser, got answer) {
		t.Helper()
		if got.StatusCode != http.StatusForbidden && got.Header.Get("Location") != "/second-factor/" {
			t.Errorf("answered with %d to %q", got.StatusCode, got.Header.Get("Location"))
		}
		if b.cookies()[trustedBrowser] != "" {
			t.Error("the browser got a secret")
		}
	}
	t.Run("control: at once", func(t *testing.T) {
		_, _, b := asked(t)
		b.own("/trust", "/trust", yes).wants(t, http.StatusSeeOther, "/")
		if b.cookies()[trustedBrowser] == "" {
			t.Error("the browser is not trusted")
		}
	})
	t.Run("later", func(t *testing.T) {
		s, _, b := asked(t)
		s.clock.Advance(6 * time.Minute)
		b.get("/second-factor/trust").wants(t, http.StatusSeeOther, "/second-factor/")
		refused(t, b, b.own("/", "/trust", yes))
	})
	t.Run("by a form that was opened in time", func(t *testing.T) {
		s, _, b := asked(t)
		token := find(t, ownCSRF, b.get("/second-factor/trust").body)
		s.clock.Advance(6 * time.Minute)
		refused(t, b, b.post("/second-factor/trust", url.Values{"trust": {"yes"}, "csrf_token": {token}}))
	})
	t.Run("after an answer", func(t *testing.T) {
		_, _, b := asked(t)
		b.own("/trust", "/trust", url.Values{"trust": {"no"}}).wants(t, http.StatusSeeOther, "/")
		refused(t, b, b.own("/", "/trust", yes))
	})
	t.Run("of another site", func(t *testing.T) {
		_, _, b := asked(t)
		refused(t, b, b.post("/second-factor/trust", yes))
	})
	t.Run("after the factors have changed", func(t *testing.T) {
		s, key, b := asked(t)
		token := find(t, ownCSRF, b.get("/second-factor/trust").body)
		if _, err := s.gateway.site.Config.Factors.NewRecoveryCodes(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		refused(t, b, b.post("/second-factor/trust", url.Values{"trust": {"yes"}, "csrf_token": {token}}))
		b.own("/", "/logout", nil)
		wantChallenge(t, b)
		b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/")
	})
	t.Run("in a session that owes the code", func(t *testing.T) {
		_, _, b := asked(t)
		b.own("/", "/logout", nil)
		wantChallenge(t, b)
		b.own("/challenge", "/trust", yes).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		if b.cookies()[trustedBrowser] != "" {
			t.Error("the browser got a secret")
		}
	})
}
