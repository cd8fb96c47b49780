package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/pages"
)

// TestGrace: for a fortnight everybody is asked to set up a factor and nobody is kept out. Then comes the day after.
func TestGrace(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.RequireEveryone, c.Grace, c.Pages = true, 14*24*time.Hour, pages.New(pages.Options{Now: c.Now})
	})
	b := s.browser()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/setup")
	// P1: nothing of the app is shown before the user has answered.
	b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/setup")
	if page := b.get("/second-factor/setup"); !strings.Contains(page.body, "You have 14 days left.") || !strings.Contains(page.body, `action="/second-factor/later"`) {
		t.Errorf("the page does not offer to do it later: %s", page.body)
	}
	b.own("/setup", "/later", nil).wants(t, http.StatusSeeOther, "/")
	if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("after later: %d", got.StatusCode)
	}
	if page := b.get("/second-factor/"); !strings.Contains(page.body, "Please set it up before") {
		t.Error("the settings page does not say until when")
	}
	b.own("/", "/logout", nil)

	s.clock.Advance(13 * 24 * time.Hour)
	other := s.browser() // another browser does not restart the period
	other.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/setup")
	if page := other.get("/second-factor/setup"); !strings.Contains(page.body, "You have 1 day left.") {
		t.Errorf("on the last day: %s", page.body)
	}
	other.own("/setup", "/later", nil).wants(t, http.StatusSeeOther, "/")
	other.own("/", "/logout", nil)

	s.clock.Advance(24 * time.Hour)
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/setup")
	if page := b.get("/second-factor/setup"); strings.Contains(page.body, "/later") {
		t.Error("the day after, later is still offered")
	}
	if got := b.own("/setup", "/later", nil); got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "is over") {
		t.Errorf("the day after: %d", got.StatusCode)
	}
	b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/setup")
	b.own("/setup", "/setup", nil).wants(t, http.StatusSeeOther, "/second-factor/setup")
	key := find(t, secretKey, b.get("/second-factor/setup").body)
	b.own("/setup", "/setup/confirm", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("set up: %d", got.StatusCode)
	}
}

// TestP1_LaterOpensNothingElse: "Later" leads past the set-up only, not past the challenge, and not past a set-up for
// which no grace period was granted.
func TestP1_LaterOpensNothingElse(t *testing.T) {
	t.Run("without grace", func(t *testing.T) {
		s := newSite(t, demo.Knobs{}, func(c *Config) { c.RequireEveryone = true })
		b := s.browser()
		b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/setup")
		b.own("/setup", "/later", nil).wants(t, http.StatusSeeOther, "/second-factor/setup")
		b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/setup")
	})
	t.Run("pending", func(t *testing.T) {
		s := newSite(t, demo.Knobs{}, func(c *Config) { c.RequireEveryone, c.Grace = true, time.Hour })
		s.confirmAt(s.factors, "bob")
		b := s.browser()
		b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		b.own("/challenge", "/later", nil).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	})
	t.Run("enrolled in another window meanwhile", func(t *testing.T) {
		s := newSite(t, demo.Knobs{}, func(c *Config) { c.RequireEveryone, c.Grace = true, time.Hour })
		m := s.browser()
		m.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/setup")
		later := url.Values{"csrf_token": {find(t, ownCSRF, m.get("/second-factor/setup").body)}}
		s.confirmAt(s.factors, "bob")
		m.post("/second-factor/later", later).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		m.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	})
	t.Run("without the form's token", func(t *testing.T) {
		s := newSite(t, demo.Knobs{}, func(c *Config) { c.RequireEveryone, c.Grace = true, time.Hour })
		b := s.browser()
		b.signIn("bob", demo.BobPassword)
		if got := b.post("/second-factor/later", url.Values{}); got.StatusCode != http.StatusForbidden {
			t.Errorf("later without a token: %d", got.StatusCode)
		}
		b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/setup")
	})
}

// TestOffer: the offer is made once, leads back to where the app had sent the browser, and keeps nobody out.
func TestOffer(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) { c.Offer = true })
	b := s.browser()
	b.get("/files")
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/offer")
	if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("while it is offered: %d", got.StatusCode)
	}
	if page := b.get("/second-factor/offer"); page.StatusCode != http.StatusOK || !strings.Contains(page.body, `<a href="/files">Not now</a>`) {
		t.Errorf("the offer: %d %s", page.StatusCode, page.body)
	}
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")

	// A script gets no offer.
	a := s.browser()
	if got := a.do("POST", "/api/login", "application/json", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`); got.StatusCode != http.StatusOK {
		t.Errorf("a script's login: %d %s", got.StatusCode, got.body)
	}
}

var endButton = regexp.MustCompile(`name="id" value="([A-Za-z0-9_-]{22})"`)

// TestSessionsOfMine: users can see and end their own sessions, one by one or all but the present one, and nobody
// else's.
func TestSessionsOfMine(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	mine, phone, third, alice := s.as(linuxFirefox), s.as(windowsChrome), s.as(windowsChrome), s.browser()
	for _, b := range []*browser{phone, third, mine} {
		b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	}
	alice.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	page := mine.get("/second-factor/")
	for _, want := range []string{"Your sessions", "This session", "Firefox, Linux", "Chrome, Windows", "127.0.0.1"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	id := find(t, endButton, page.body)
	// P5: alice has seen the session's name over bob's shoulder.
	alice.own("/", "/sessions", url.Values{"id": {id}}).wants(t, http.StatusSeeOther, "/second-factor/")
	open := func(b *browser) bool { return b.get("/api/entries").StatusCode == http.StatusOK }
	if !open(phone) || !open(third) {
		t.Fatal("alice has ended a session of bob's")
	}
	mine.own("/", "/sessions", url.Values{"id": {id}}).wants(t, http.StatusSeeOther, "/second-factor/")
	if open(phone) == open(third) {
		t.Error("not exactly one was ended")
	}
	mine.own("/", "/sessions", nil).wants(t, http.StatusSeeOther, "/second-factor/")
	if open(phone) || open(third) || !open(mine) || !open(alice) {
		t.Errorf("after all others: %v %v, mine %v, alice's %v", open(phone), open(third), open(mine), open(alice))
	}
}

// TestEventsHaveWords: package pages has words for every event that package factor notes.
func TestEventsHaveWords(t *testing.T) {
	renderer := pages.New(pages.Options{})
	for _, kind := range factor.EventKinds() {
		view := pages.SettingsView{Common: pages.Common{App: "x"}, Activity: []pages.ActivityLine{{Kind: string(kind), At: time.Now()}}}
		recorder := httptest.NewRecorder()
		if err := renderer.Settings(recorder, http.StatusOK, view); err != nil || !strings.Contains(recorder.Body.String(), "Recent activity") {
			t.Errorf("%s: no words (%v)", kind, err)
		}
	}
}
