package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
)

// pause is a point at which a test stops one piece of work until it lets it go on.
type pause struct {
	reached, release chan struct{}
	once             sync.Once
}

func newPause(t *testing.T) *pause {
	p := &pause{reached: make(chan struct{}), release: make(chan struct{})}
	t.Cleanup(p.resume)
	return p
}

// here stops the first goroutine that comes by.
func (p *pause) here() {
	stopped := false
	p.once.Do(func() { stopped = true })
	if stopped {
		close(p.reached)
		<-p.release
	}
}

// wait returns when a goroutine has stopped.
func (p *pause) wait(t *testing.T) {
	t.Helper()
	select {
	case <-p.reached:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody came to the pause")
	}
}

func (p *pause) resume() {
	select {
	case <-p.release:
	default:
		close(p.release)
	}
}

// hook puts a test's own function into the route. It is called when the app has answered, before the answer is used.
func (s *site) hook(t *testing.T, answered func(r *http.Request)) {
	t.Helper()
	next := func(w http.ResponseWriter, r *http.Request) error {
		recorded := httptest.NewRecorder()
		s.app.ServeHTTP(recorded, r)
		answered(r)
		for name, values := range recorded.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(recorded.Code)
		_, err := w.Write(recorded.Body.Bytes())
		return err
	}
	s.serve(next)
}

// pauseAtCheck stops the first question who is signed in that the app has answered after ask was called.
func (s *site) pauseAtCheck(t *testing.T) (check *pause, ask func()) {
	t.Helper()
	check = newPause(t)
	var asked atomic.Bool
	s.hook(t, func(r *http.Request) {
		if asked.Load() && r.URL.Path == "/api/me" {
			check.here()
		}
	})
	return check, func() { asked.Store(true) }
}

// background runs a request while the test goes on.
func background(do func() answer) chan answer {
	done := make(chan answer, 1)
	go func() { done <- do() }()
	return done
}

// formOnly removes the login for scripts: the operator has forgotten it, and the attacker uses it.
func formOnly(c *Config) { c.Logins.Blocks = c.Logins.Blocks[:1] }

// TestP5_CheckOvertakenByAForeignCookie: a request of mallory's (bob) asks the app whose his session is. While the
// answer (bob) is on its way, he signs in as alice at a login that the operator forgot, in such a way that nobody can
// tell whose the new cookie is: he hangs up, or the app is overloaded. The new cookie is not used: the answer that the
// gateway waits for is about the earlier cookie, and must not count for this one.
func TestP5_CheckOvertakenByAForeignCookie(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		formOnly(c)
		c.Renews = true // otherwise the second request asks before it goes out, beside the first one
	})
	s.enrolled("alice", demo.AlicePassword)
	check, ask := s.pauseAtCheck(t)
	b := s.browser()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	s.clock.Advance(61 * time.Second)
	ask()
	first := background(func() answer { return b.get("/api/entries") })
	check.wait(t)
	s.app.FailIdentity(http.StatusServiceUnavailable)
	if got := b.do("POST", "/api/login", "application/json", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`); got.StatusCode != http.StatusBadGateway {
		t.Fatalf("the new cookie was not in doubt: %d %s", got.StatusCode, got.body)
	}
	s.app.FailIdentity(0)
	check.resume()
	if got := <-first; got.Header.Get("X-Ledger-User") == "alice" {
		t.Errorf("the request that asked shows alice's ledger: %s", got.body)
	}
	if got := b.get("/api/entries"); got.Header.Get("X-Ledger-User") == "alice" {
		t.Errorf("alice's ledger without her factor: %s", got.body)
	}
	b.wantsState("verified", "bob")
}

// TestP5_CheckOvertakenByOwnCookie is the same with an app that changes bob's own cookie with each answer. Nothing is
// lost.
func TestP5_CheckOvertakenByOwnCookie(t *testing.T) {
	s := newSite(t, demo.Knobs{Rotate: true}, nil)
	check, ask := s.pauseAtCheck(t)
	b := s.browser()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	s.clock.Advance(61 * time.Second)
	ask()
	first := background(func() answer { return b.get("/api/entries") })
	check.wait(t)
	b.get("/api/entries").wants(t, http.StatusOK, "")
	check.resume()
	if got := <-first; got.StatusCode != http.StatusOK {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	b.wantsState("verified", "bob")
}

// TestP8_CheckThatEndsAfterSignOut: bob signs out while a request of his asks the app whose the session is, and the app
// says that it is somebody else's now. That must not begin a new session, neither in his browser nor in that of a thief
// who has the old token.
func TestP8_CheckThatEndsAfterSignOut(t *testing.T) {
	for name, slow := range map[string]string{"check": "/api/entries", "changed cookie": "/source?bytes=1"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, demo.Knobs{Rotate: name != "check"}, nil)
			check, ask := s.pauseAtCheck(t)
			b := s.browser()
			b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
			b.get("/api/entries").wants(t, http.StatusOK, "")
			csrf := find(t, ownCSRF, b.get("/second-factor/").body)
			if name == "check" {
				s.clock.Advance(61 * time.Second)
			}
			s.app.SwitchSessions("bob", "alice") // alice has no factor: her session would be verified at once
			ask()
			first := background(func() answer { return b.get(slow) })
			check.wait(t)
			b.post("/second-factor/logout", url.Values{"csrf_token": {csrf}}).wants(t, http.StatusSeeOther, "/login")
			b.wantsState("anonymous", "")
			check.resume()
			if got := <-first; got.Header.Get("X-Ledger-User") != "" && got.StatusCode == http.StatusOK {
				t.Errorf("%d %s", got.StatusCode, got.body)
			}
			b.wantsState("anonymous", "")
		})
	}
}

// slowSecrets is a store whose next answer to Get waits, so that the answer is out of date when it comes.
type slowSecrets struct {
	factor.Store
	mu  sync.Mutex
	get *pause
}

func (s *slowSecrets) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	record, version, err := s.Store.Get(ctx, key)
	s.mu.Lock()
	get := s.get
	s.mu.Unlock()
	if get != nil {
		get.here()
	}
	return record, version, err
}

func (s *slowSecrets) pauseAt(p *pause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.get = p
}

// TestP8_LoginOvertakenByAnEnrolment: mallory has alice's password, and signs in again and again. One of his logins has
// just read that she has no factor when she confirms hers. That ends all her other sessions, but the one that this
// login is about to write does not exist yet. It must not live on without a factor.
func TestP8_LoginOvertakenByAnEnrolment(t *testing.T) {
	secrets := &slowSecrets{Store: factor.NewMemoryStore()}
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Factors = factor.NewService(secrets, factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now})
	})
	alice, mallory := s.browser(), s.browser()
	alice.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	alice.own("/", "/setup", nil)
	page := alice.get("/second-factor/setup").body
	form := url.Values{"csrf_token": {find(t, ownCSRF, page)}, "code": {s.code(find(t, secretKey, page))}}
	login := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {find(t, csrfField, mallory.get("/login").body)}}

	looked := newPause(t)
	secrets.pauseAt(looked)
	first := background(func() answer { return mallory.post("/login", login) })
	looked.wait(t)
	alice.post("/second-factor/setup/confirm", form).wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	looked.resume()
	(<-first).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	mallory.wantsState("pending", "alice")
	mallory.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	alice.wantsState("verified", "alice")
}

// enrolled gives an account a second factor and leaves no session behind.
func (s *site) enrolled(name, password string) (key string) {
	s.t.Helper()
	b := s.browser()
	b.signIn(name, password)
	key = b.enrol()
	b.own("/", "/logout", nil)
	return key
}

// confirmAt confirms a new token of the user's at another service, as a window does that this site's gateway does not
// see.
func (s *site) confirmAt(factors *factor.Service, user string) {
	s.t.Helper()
	proposal, err := factors.Begin(s.t.Context(), user, factor.MethodTOTP)
	if err != nil {
		s.t.Fatal(err)
	}
	offer, err := factors.Show(proposal)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := factors.Confirm(s.t.Context(), user, proposal, factor.Answer{Text: s.code(offer.Key)}); err != nil {
		s.t.Fatal(err)
	}
}
