package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
)

// scripted is a browser that runs the script of the challenge page.
type scripted struct {
	*browser
	key *ecdsa.PrivateKey
}

func (s *site) scripted(agent string) *scripted {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	return &scripted{s.as(agent), key}
}

func (b *scripted) public() string {
	raw, err := b.key.PublicKey.Bytes()
	if err != nil {
		b.s.t.Fatal(err)
	}
	return factor.EncodeDeviceKey(raw)
}

// signs returns the signature that the script makes with the form token of a page.
func (b *scripted) signs(purpose, token, device string) string {
	host := strings.TrimPrefix(b.s.server.URL, "http://")
	sum := sha256.Sum256([]byte(strings.Join([]string{"sallyport trusted browser", purpose, host, "/second-factor", token, device}, "\n")))
	r, s, err := ecdsa.Sign(rand.Reader, b.key, sum[:])
	if err != nil {
		b.s.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

var (
	shownKey    = regexp.MustCompile(` data-key="([^"]*)"`)
	shownDevice = regexp.MustCompile(` data-device="([^"]*)"`)
)

// trust types a code, has the browser trusted with its key, and signs out.
func (b *scripted) trust(key string) {
	b.s.t.Helper()
	b.signIn("bob", demo.BobPassword).wants(b.s.t, http.StatusSeeOther, "/second-factor/challenge")
	b.s.clock.Advance(30 * time.Second)
	token := find(b.s.t, ownCSRF, b.get("/second-factor/challenge").body)
	b.post("/second-factor/challenge", url.Values{
		"csrf_token": {token}, "code": {b.s.code(key)}, "trust": {"yes"}, "key": {b.public()}, "proof": {b.signs("trust", token, "")},
	}).wants(b.s.t, http.StatusSeeOther, "/")
	b.s.clock.Advance(30 * time.Second)
	b.own("/", "/logout", nil)
}

// proof returns the form that the page's script sends, on a page that asks for it.
func (b *scripted) proof(page answer) url.Values {
	b.s.t.Helper()
	if shown := find(b.s.t, shownKey, page.body); shown != b.public() {
		b.s.t.Errorf("the page asks for the key %q", shown)
	}
	token := find(b.s.t, ownCSRF, page.body)
	return url.Values{"csrf_token": {token}, "code": {""}, "proof": {b.signs("sign in", token, find(b.s.t, shownDevice, page.body))}}
}

// getsIn signs bob in with the key, and out again.
func (b *scripted) getsIn() {
	b.s.t.Helper()
	wantChallenge(b.s.t, b.browser)
	before := b.cookies()
	b.post("/second-factor/challenge", b.proof(b.get("/second-factor/challenge"))).wants(b.s.t, http.StatusSeeOther, "/")
	after := b.cookies()
	if before[trustedBrowser] == after[trustedBrowser] || before["sallyport"] == after["sallyport"] {
		b.s.t.Error("the secret of the trust or the session's token is the same as before (P8)")
	}
	if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
		b.s.t.Errorf("the app answers %d", got.StatusCode)
	}
	b.own("/", "/logout", nil)
}

// keyed makes a site, bob's key, and a browser of his that is trusted and runs scripts.
func keyed(t testing.TB, store factor.Store) (s *site, key string, b *scripted) {
	t.Helper()
	s = trustingSite(t, store)
	b = s.scripted(linuxFirefox)
	b.signIn("bob", demo.BobPassword)
	key = b.enrol()
	b.get("/second-factor/recovery-codes")
	b.own("/", "/logout", nil)
	b.trust(key)
	return s, key, b
}

// misused reports whether bob's activity says that somebody may have a copy.
func (s *site) misused() bool {
	s.t.Helper()
	return s.has(factor.EventMisused)
}

// has reports whether this happened to bob.
func (s *site) has(kind factor.EventKind) bool {
	s.t.Helper()
	status, err := s.gateway.site.Config.Factors.Status(s.t.Context(), "bob")
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.ContainsFunc(status.Activity, func(e factor.Event) bool { return e.Kind == kind })
}

func TestProof(t *testing.T) {
	s, _, b := keyed(t, factor.NewMemoryStore())
	for range 3 {
		b.getsIn()
	}
	// The proof is no code: a change of factors asks for a code, even if an earlier code would do for a while.
	s.gateway.site.Config.Reauth = time.Hour
	b.signIn("bob", demo.BobPassword)
	b.post("/second-factor/challenge", b.proof(b.get("/second-factor/challenge"))).wants(t, http.StatusSeeOther, "/")
	if page := b.get("/second-factor/"); !strings.Contains(page.body, "Signed in from a trusted browser") {
		t.Errorf("the settings page does not tell of it: %s", page.body)
	}
	if got := b.own("/reset", "/reset", nil); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("reset without a code: %d", got.StatusCode)
	}
	b.own("/", "/logout", nil)
	s.clock.Advance(30 * 24 * time.Hour)
	wantChallenge(t, b.browser)
	if page := b.get("/second-factor/challenge"); strings.Contains(page.body, "data-key") {
		t.Error("the page asks for a proof after the trust's end")
	}
}

// TestP5_KeyIsNotPortable: mallory has bob's password, a browser of the same kind, and a copy of every cookie of his.
func TestP5_KeyIsNotPortable(t *testing.T) {
	copied := func(t *testing.T) (s *site, bob, mallory *scripted) {
		s, _, bob = keyed(t, factor.NewMemoryStore())
		mallory = s.scripted(linuxFirefox)
		for name, value := range bob.cookies() {
			mallory.plant(name, value)
		}
		return s, bob, mallory
	}
	t.Run("the cookie alone", func(t *testing.T) {
		s, bob, mallory := copied(t)
		wantChallenge(t, mallory.browser)
		wantChallenge(t, mallory.browser)
		s.clock.Advance(time.Hour)
		bob.getsIn()
		if s.misused() {
			t.Error("an empty store is taken for a theft")
		}
	})
	t.Run("another key", func(t *testing.T) {
		s, bob, mallory := copied(t)
		wantChallenge(t, mallory.browser)
		page := mallory.get("/second-factor/challenge")
		token := find(t, ownCSRF, page.body)
		forged := url.Values{"csrf_token": {token}, "proof": {mallory.signs("sign in", token, find(t, shownDevice, page.body))}}
		mallory.post("/second-factor/challenge", forged).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		mallory.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
		if page := mallory.get("/second-factor/challenge"); strings.Contains(page.body, "data-key") {
			t.Error("the page asks for a proof once more")
		}
		if !s.misused() {
			t.Error("the activity does not tell of it")
		}
		wantChallenge(t, bob.browser)
		if page := bob.get("/second-factor/challenge"); strings.Contains(page.body, "data-key") {
			t.Error("bob's browser is still trusted")
		}
	})
	t.Run("bob's proof of another session", func(t *testing.T) {
		_, bob, mallory := copied(t)
		wantChallenge(t, bob.browser)
		form := bob.proof(bob.get("/second-factor/challenge"))
		wantChallenge(t, mallory.browser)
		form.Set("csrf_token", find(t, ownCSRF, mallory.get("/second-factor/challenge").body))
		mallory.post("/second-factor/challenge", form).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		mallory.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	})
	t.Run("a key of her own in place of his", func(t *testing.T) {
		_, bob, mallory := copied(t)
		wantChallenge(t, mallory.browser)
		token := find(t, ownCSRF, mallory.get("/second-factor/challenge").body)
		for _, code := range []string{"", "000000"} {
			got := mallory.post("/second-factor/challenge", url.Values{
				"csrf_token": {token}, "code": {code}, "trust": {"yes"}, "key": {mallory.public()}, "proof": {mallory.signs("trust", token, "")},
			})
			if got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("code %q: %d", code, got.StatusCode)
			}
		}
		mallory.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
		bob.getsIn()
	})
	t.Run("the proof without the cookie", func(t *testing.T) {
		s, bob, _ := copied(t)
		wantChallenge(t, bob.browser)
		form := bob.proof(bob.get("/second-factor/challenge"))
		kept := bob.cookies()[trustedBrowser]
		bob.plant(trustedBrowser, "")
		bob.post("/second-factor/challenge", form).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		bob.plant(trustedBrowser, kept)
		if s.misused() {
			t.Error("it ends the trust")
		}
		bob.getsIn()
	})
}

// TestP5_ProofNeedsThePassword: a browser can prove itself only after a login with a password.
func TestP5_ProofNeedsThePassword(t *testing.T) {
	s, key, b := keyed(t, factor.NewMemoryStore())
	wantNone := func(t *testing.T) {
		t.Helper()
		page := b.get("/second-factor/challenge")
		if strings.Contains(page.body, "data-key") {
			t.Error("the page asks for a proof")
		}
		status, err := s.gateway.site.Config.Factors.Status(t.Context(), "bob")
		if err != nil || len(status.Devices) != 1 {
			t.Fatalf("%v, %v", status.Devices, err)
		}
		token := find(t, ownCSRF, page.body)
		b.post("/second-factor/challenge", url.Values{
			"csrf_token": {token}, "proof": {b.signs("sign in", token, status.Devices[0].ID)},
		}).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	}
	t.Run("a link", func(t *testing.T) {
		token, err := s.app.ResetToken("bob")
		if err != nil {
			t.Fatal(err)
		}
		b.get("/reset?token="+token).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		wantNone(t)
	})
	t.Run("a link after a login", func(t *testing.T) {
		wantChallenge(t, b.browser)
		token, err := s.app.ResetToken("bob")
		if err != nil {
			t.Fatal(err)
		}
		b.get("/reset?token="+token).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		wantNone(t)
	})
	s.clock.Advance(time.Minute)
	b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}})
	b.own("/", "/logout", nil)
	b.getsIn()
}

// TestProofWhileCodesAreCounted: a trusted browser does not lead somebody who has the password and guesses past the
// count.
func TestProofWhileCodesAreCounted(t *testing.T) {
	s, _, b := keyed(t, factor.NewMemoryStore())
	wantChallenge(t, b.browser)
	form := b.proof(b.get("/second-factor/challenge"))
	other := s.browser()
	other.signIn("bob", demo.BobPassword)
	for range 5 {
		other.own("/challenge", "/challenge", url.Values{"code": {"000000"}})
	}
	if page := b.get("/second-factor/challenge"); strings.Contains(page.body, "data-key") {
		t.Error("the page asks for a proof")
	}
	b.post("/second-factor/challenge", form).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	s.clock.Advance(time.Hour)
	b.getsIn()
}

// TestProofIsNoCode: a form with a proof is never an attempt at a code, whatever its code field holds.
func TestProofIsNoCode(t *testing.T) {
	s, key, b := keyed(t, factor.NewMemoryStore())
	wantChallenge(t, b.browser)
	for _, code := range []string{"000000", "1", s.code(key)} {
		token := find(t, ownCSRF, b.get("/second-factor/challenge").body)
		b.post("/second-factor/challenge", url.Values{"csrf_token": {token}, "code": {code}, "proof": {"x"}}).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	}
	if s.has(factor.EventFailure) {
		t.Error("it was counted as a wrong code")
	}
}

// TestBadKey: if the key cannot be used, the browser does not become trusted, not even without a key. The code counts.
func TestBadKey(t *testing.T) {
	for name, change := range map[string]func(b *scripted, form url.Values){
		"no key":              func(_ *scripted, form url.Values) { form.Set("key", "BA") },
		"not possessed":       func(b *scripted, form url.Values) { form.Set("proof", b.signs("trust", "another", "")) },
		"possessed by nobody": func(_ *scripted, form url.Values) { form.Del("proof") },
		"of a sign-in":        func(b *scripted, form url.Values) { form.Set("proof", b.signs("sign in", form.Get("csrf_token"), "")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := trustingSite(t, factor.NewMemoryStore())
			b := s.scripted(linuxFirefox)
			b.signIn("bob", demo.BobPassword)
			key := b.enrol()
			b.get("/second-factor/recovery-codes")
			b.own("/", "/logout", nil)
			b.signIn("bob", demo.BobPassword)
			token := find(t, ownCSRF, b.get("/second-factor/challenge").body)
			form := url.Values{"csrf_token": {token}, "code": {s.code(key)}, "trust": {"yes"}, "key": {b.public()}, "proof": {b.signs("trust", token, "")}}
			change(b, form)
			b.post("/second-factor/challenge", form).wants(t, http.StatusSeeOther, "/")
			if _, ok := b.cookies()[trustedBrowser]; ok {
				t.Error("the browser has a secret")
			}
			b.own("/", "/logout", nil)
			wantChallenge(t, b.browser)
		})
	}
}

// TestP7_ProofWinsOnce: a form that is sent many times at once lets one request in, and does not count as theft.
func TestP7_ProofWinsOnce(t *testing.T) {
	s, _, b := keyed(t, factor.NewMemoryStore())
	wantChallenge(t, b.browser)
	form := b.proof(b.get("/second-factor/challenge"))
	cookies := b.cookies()
	answers := make(chan answer)
	for range 8 {
		go func() {
			twin := s.as(linuxFirefox)
			for name, value := range cookies {
				twin.plant(name, value)
			}
			answers <- twin.post("/second-factor/challenge", form)
		}()
	}
	in := 0
	for range 8 {
		if got := <-answers; got.StatusCode == http.StatusSeeOther && got.Header.Get("Location") == "/" {
			in++
		} else if got.StatusCode >= 500 {
			t.Errorf("%d", got.StatusCode)
		}
	}
	if in != 1 || s.misused() {
		t.Errorf("%d got in; taken for a theft: %t", in, s.misused())
	}
}

// TestP6_ProofWithoutAStore: while the secrets store cannot say whether the browser is trusted, it is not, and the
// script does not try for ever. The trust remains.
func TestP6_ProofWithoutAStore(t *testing.T) {
	store := &failingSecrets{Store: factor.NewMemoryStore()}
	s, key, b := keyed(t, store)
	wantChallenge(t, b.browser)
	form := b.proof(b.get("/second-factor/challenge"))
	store.strike(func(context.Context) error { return factor.ErrUnavailable }, "put")
	b.post("/second-factor/challenge", form).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	store.end()
	b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	if page := b.get("/second-factor/challenge"); strings.Contains(page.body, "data-key") {
		t.Error("the page asks for a proof once more")
	}
	b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/")
	b.own("/", "/logout", nil)
	b.getsIn()
}

// TestP6_ProofWithoutSessions: a valid proof uses the secret up. If the session cannot be written after that, the
// browser still gets its next secret. Otherwise it would be taken for a thief the next time.
func TestP6_ProofWithoutSessions(t *testing.T) {
	f := newFrail(t, func(c *Config) {
		c.Factors = factor.NewService(factor.NewMemoryStore(), factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now, Remember: 30 * 24 * time.Hour})
	})
	b := f.scripted(linuxFirefox)
	b.signIn("bob", demo.BobPassword)
	key := b.enrol()
	b.get("/second-factor/recovery-codes")
	b.own("/", "/logout", nil)
	b.trust(key)
	wantChallenge(t, b.browser)
	form := b.proof(b.get("/second-factor/challenge"))
	f.sessions.strike(func(context.Context) error { return errors.New("gone") }, "commit")
	if got := b.post("/second-factor/challenge", form); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d", got.StatusCode)
	}
	f.sessions.end()
	if got := b.get("/api/entries"); got.StatusCode == http.StatusOK {
		t.Error("the app is open")
	}
	f.clock.Advance(2 * time.Minute)
	b.getsIn()
	if f.misused() {
		t.Error("it is taken for a theft")
	}
}

// TestProofStandsOnce: a form may hold one proof only, because readers differ in which of two they take.
func TestProofStandsOnce(t *testing.T) {
	_, _, b := keyed(t, factor.NewMemoryStore())
	wantChallenge(t, b.browser)
	for _, name := range []string{"key", "proof"} {
		form := b.proof(b.get("/second-factor/challenge"))
		form[name] = []string{"x", form.Get(name)}
		if got := b.post("/second-factor/challenge", form); got.StatusCode != http.StatusBadRequest {
			t.Errorf("two of %s: %d", name, got.StatusCode)
		}
	}
	b.getsIn()
}

// TestP5_ResetDuringAProof is TestP5_ResetDuringATrustedSignIn for a sign-in with a key.
func TestP5_ResetDuringAProof(t *testing.T) {
	calls := 0
	for ; ; calls++ {
		store := &overtaken{Store: factor.NewMemoryStore()}
		s, _, b := keyed(t, store)
		wantChallenge(t, b.browser)
		form := b.proof(b.get("/second-factor/challenge"))
		node := factor.NewService(store.Store, factor.Config{App: "ledger", Kinds: kinds(), Now: s.clock.Now, Remember: time.Hour})
		store.skip = calls
		store.then = func() {
			s.confirmAt(node, "bob")
			if err := s.gateway.site.Config.Sessions.DestroyOthers(t.Context(), "bob", ""); err != nil {
				t.Fatal(err)
			}
		}
		answered := b.post("/second-factor/challenge", form)
		if store.then != nil {
			break // a proof asks no more often than that
		}
		if got := b.get("/api/entries"); got.StatusCode == http.StatusOK {
			t.Errorf("reset at call %d, the proof is answered with %d, and the app is open", calls+1, answered.StatusCode)
		}
	}
	if calls < 3 {
		t.Errorf("a proof asked %d times", calls)
	}
}

// TestKeyEndsCookieAlone: a browser that was trusted by its cookie, and is trusted again with a key, does not get in by
// the old cookie.
func TestKeyEndsCookieAlone(t *testing.T) {
	s, key, plain := trusting(t)
	b := s.scripted(linuxFirefox)
	for name, value := range plain.cookies() {
		b.plant(name, value)
	}
	old := b.cookies()[trustedBrowser]
	token, err := s.app.ResetToken("bob")
	if err != nil {
		t.Fatal(err)
	}
	b.get("/reset?token="+token).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	csrf := find(t, ownCSRF, b.get("/second-factor/challenge").body)
	b.post("/second-factor/challenge", url.Values{
		"csrf_token": {csrf}, "code": {s.code(key)}, "trust": {"yes"}, "key": {b.public()}, "proof": {b.signs("trust", csrf, "")},
	})
	b.own("/", "/logout", nil)
	mallory := s.as(linuxFirefox)
	for _, value := range []string{old, b.cookies()[trustedBrowser], old + "~" + b.cookies()[trustedBrowser]} {
		mallory.plant(trustedBrowser, value)
		mallory.signIn("bob", "wrong")
		wantChallenge(t, mallory)
	}
}
