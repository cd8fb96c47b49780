package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/pages"
)

// navigates adds the headers that a browser sends when a user opens a page.
type navigates struct{ http.RoundTripper }

func (n navigates) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	return n.RoundTripper.RoundTrip(r)
}

// person makes a browser with a user in front of it.
func (s *site) person() *browser {
	b := s.browser()
	b.client.Transport = navigates{http.DefaultTransport}
	return b
}

// TestChallengeRanOut: a user who comes back to a challenge too late is told so, and how to go on. If nobody has begun
// to sign in, or the client is no browser, no such page is shown.
func TestChallengeRanOut(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	owner := s.browser()
	owner.signIn("bob", demo.BobPassword)
	key := owner.enrol()
	b := s.person()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	token := find(t, ownCSRF, b.get("/second-factor/challenge").body)
	s.clock.Advance(11 * time.Minute)
	for what, got := range map[string]answer{
		"the page": b.get("/second-factor/challenge"), "the other page": b.get("/second-factor/recovery"),
		"the form": b.post("/second-factor/challenge", url.Values{"csrf_token": {token}, "code": {s.code(key)}}),
	} {
		if got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "Time is up") || !strings.Contains(got.body, `<a class="main" href="/login">Sign in</a>`) {
			t.Errorf("%s: %d %.600s", what, got.StatusCode, got.body)
		}
	}
	b.get("/files").wants(t, http.StatusSeeOther, "/login")
	s.person().get("/second-factor/challenge").wants(t, http.StatusSeeOther, "/login")
	script := s.browser()
	script.plant("sallyport", b.cookies()["sallyport"])
	if got := script.do("POST", "/second-factor/challenge", "application/json", `{"code":"1"}`); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a script gets %d", got.StatusCode)
	}
	script.get("/second-factor/challenge").wants(t, http.StatusSeeOther, "/login")
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
}

// TestLockedAccount: if no code is accepted any more, the page has no field for one, but says whom to ask.
func TestLockedAccount(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Pages = pages.New(pages.Options{Brand: pages.Brand{Help: "Call the help desk, extension 100", HelpLink: "tel:100"}})
		c.Factors = factor.NewService(factor.NewMemoryStore(), factor.Config{
			App: "ledger", Kinds: kinds(), Now: c.Now, Throttle: factor.Throttle{Free: 2, Stop: 2},
		})
	})
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	key := b.enrol()
	b.get("/second-factor/recovery-codes")
	pending := s.browser()
	pending.signIn("bob", demo.BobPassword)
	var last answer
	for range 2 {
		last = pending.own("/challenge", "/challenge", url.Values{"code": {"000000"}})
	}
	if last.StatusCode != http.StatusUnprocessableEntity && last.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("not locked: %d", last.StatusCode)
	}
	for what, got := range map[string]answer{
		"the challenge": pending.get("/second-factor/challenge"), "the recovery code": pending.get("/second-factor/recovery"),
		"a code":   pending.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}),
		"a change": b.get("/second-factor/reset"), "a confirmed change": b.own("/", "/reset", url.Values{"code": {s.code(key)}}),
	} {
		if strings.Contains(got.body, `name="code"`) || strings.Contains(got.body, `<button class="main`) {
			t.Errorf("%s: there is a field or a button: %s", what, got.body)
		}
		if !strings.Contains(got.body, `<a href="tel:100">Call the help desk, extension 100</a>`) {
			t.Errorf("%s does not say whom to ask: %s", what, got.body)
		}
	}
	if page := pending.get("/second-factor/challenge"); !strings.Contains(page.body, "Account locked") || !strings.Contains(page.body, "/second-factor/logout") {
		t.Errorf("%s", page.body)
	}
}

// heldSecrets is a secrets store whose writes wait.
type heldSecrets struct {
	factor.Store
	mu      sync.Mutex
	hold    chan struct{}
	reached chan struct{}
}

func (h *heldSecrets) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	h.mu.Lock()
	hold, reached := h.hold, h.reached
	h.hold, h.reached = nil, nil
	h.mu.Unlock()
	if hold != nil {
		close(reached)
		<-hold
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return h.Store.Put(ctx, key, record, expected)
}

// holdNext makes the next write wait until release is called. reached is closed when the write waits.
func (h *heldSecrets) holdNext() (reached chan struct{}, release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold, h.reached = make(chan struct{}), make(chan struct{})
	hold := h.hold
	return h.reached, func() { close(hold) }
}

// twice sends a form, hangs up while the store is writing, and sends another one, by default the same. The store goes
// on when the second form is under way.
func (b *browser) twice(h *heldSecrets, path string, values, other url.Values) answer {
	b.s.t.Helper()
	if other == nil {
		other = values
	}
	ctx, hangUp := context.WithCancel(context.Background())
	reached, release := h.holdNext()
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.s.server.URL+path, strings.NewReader(values.Encode()))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Accept", "text/html")
		if response, err := b.client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-reached
	hangUp()
	<-lost
	time.AfterFunc(50*time.Millisecond, release)
	return b.post(path, other)
}

func heldSite(t *testing.T) (*site, *heldSecrets) {
	t.Helper()
	held := &heldSecrets{Store: factor.NewMemoryStore()}
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Factors = factor.NewService(held, factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now})
	})
	return s, held
}

// TestFormSentTwice: a double click where no script holds the second click back. The browser drops the first answer,
// and ends where it would have ended with one click.
func TestFormSentTwice(t *testing.T) {
	s, held := heldSite(t)
	b := s.person()
	b.signIn("bob", demo.BobPassword)
	b.own("/", "/setup", nil)
	page := b.get("/second-factor/setup").body
	key := find(t, secretKey, page)
	form := url.Values{"csrf_token": {find(t, ownCSRF, page)}, "code": {s.code(key)}}
	b.twice(held, "/second-factor/setup/confirm", form, nil).wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	if page := b.get("/second-factor/recovery-codes"); !strings.Contains(page.body, "Two-factor authentication is enabled") || !strings.Contains(page.body, `id="recovery-codes"`) {
		t.Fatalf("the codes are not shown: %d %s", page.StatusCode, page.body)
	}
	b.own("/", "/logout", nil)
	s.clock.Advance(30 * time.Second)

	b.signIn("bob", demo.BobPassword)
	form = url.Values{"csrf_token": {find(t, ownCSRF, b.get("/second-factor/challenge").body)}, "code": {s.code(key)}}
	b.twice(held, "/second-factor/challenge", form, nil).wants(t, http.StatusSeeOther, "/")
	if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("the app answers %d", got.StatusCode)
	}
}

// TestP8_RepeatedFormIsTheSame: mallory has a copy of the cookie of a session that waits for its code, and of its form.
// The session's token changes when the code is right. What bob's browser may send again is bob's form. With anything
// else the old token is dead, whether or not his browser saw the answer.
func TestP8_RepeatedFormIsTheSame(t *testing.T) {
	setUp := func(t *testing.T) (s *site, held *heldSecrets, b *browser, form, guess url.Values) {
		t.Helper()
		s, held = heldSite(t)
		b = s.person()
		b.signIn("bob", demo.BobPassword)
		key := b.enrol()
		b.get("/second-factor/recovery-codes")
		b.own("/", "/logout", nil)
		b.signIn("bob", demo.BobPassword)
		token := find(t, ownCSRF, b.get("/second-factor/challenge").body)
		form = url.Values{"csrf_token": {token}, "code": {s.code(key)}}
		return s, held, b, form, url.Values{"csrf_token": {token}, "code": {"000000"}}
	}
	shut := func(t *testing.T, b *browser, got answer) {
		t.Helper()
		if got.Header.Get("Location") == "/" || len(got.Header["Set-Cookie"]) > 0 {
			t.Errorf("answered with %d to %q, %q", got.StatusCode, got.Header.Get("Location"), got.Header["Set-Cookie"])
		}
		if got := b.get("/api/entries"); got.StatusCode == http.StatusOK {
			t.Error("the app is open")
		}
	}
	const old = "sallyport"
	t.Run("control: the same form", func(t *testing.T) {
		_, held, b, form, _ := setUp(t)
		b.twice(held, "/second-factor/challenge", form, nil).wants(t, http.StatusSeeOther, "/")
	})
	t.Run("a guess", func(t *testing.T) {
		_, held, b, form, guess := setUp(t)
		stolen := b.cookies()[old]
		shut(t, b, b.twice(held, "/second-factor/challenge", form, guess))
		// That was the only time.
		b.plant(old, stolen)
		shut(t, b, b.post("/second-factor/challenge", form))
	})
	t.Run("after an answer that was seen", func(t *testing.T) {
		s, _, b, form, _ := setUp(t)
		stolen := b.cookies()[old]
		b.post("/second-factor/challenge", form).wants(t, http.StatusSeeOther, "/")
		m := s.person()
		m.plant(old, stolen)
		shut(t, m, m.post("/second-factor/challenge", form))
	})
	t.Run("from another browser", func(t *testing.T) {
		s, held, b, form, _ := setUp(t)
		stolen := b.cookies()[old]
		b.twice(held, "/second-factor/challenge", form, nil).wants(t, http.StatusSeeOther, "/")
		m := s.as(windowsChrome)
		m.plant(old, stolen)
		shut(t, m, m.post("/second-factor/challenge", form))
	})
	t.Run("later", func(t *testing.T) {
		s, held, b, form, _ := setUp(t)
		stolen := b.cookies()[old]
		b.twice(held, "/second-factor/challenge", form, nil).wants(t, http.StatusSeeOther, "/")
		s.clock.Advance(11 * time.Second)
		m := s.person()
		m.plant(old, stolen)
		shut(t, m, m.post("/second-factor/challenge", form))
	})
	t.Run("another page", func(t *testing.T) {
		s, held, b, form, _ := setUp(t)
		stolen := b.cookies()[old]
		b.twice(held, "/second-factor/challenge", form, nil).wants(t, http.StatusSeeOther, "/")
		m := s.person()
		m.plant(old, stolen)
		shut(t, m, m.get("/second-factor/"))
	})
}
