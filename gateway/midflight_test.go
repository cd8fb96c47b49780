package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
)

var errAway = errors.New("the store is away")

// after makes a function that fails each time except the first so many times.
func after(first int64) func(context.Context) error {
	var count atomic.Int64
	return func(context.Context) error {
		if count.Add(1) > first {
			return errAway
		}
		return nil
	}
}

// TestP6_SecondLookAtTheFactor: bob, who has no factor, signs in, and the secrets store fails between the two looks at
// it. Nobody knows whether he has one by now. A missing answer does not mean "not enrolled".
func TestP6_SecondLookAtTheFactor(t *testing.T) {
	f := newFrail(t, formOnly)
	if got := f.browser().signIn("bob", demo.BobPassword); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/" {
		t.Fatalf("the control: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	b := f.browser()
	b.get("/login")
	f.secrets.strike(after(1), "get")
	b.signIn("bob", demo.BobPassword).refusedForNow(t)
	f.secrets.end()
	if state := b.state(); state != "pending" {
		t.Errorf("the session is %s", state)
	}
	if got := b.get("/files"); got.StatusCode == http.StatusOK {
		t.Errorf("%d %.200s", got.StatusCode, got.body)
	}
}

// TestP6_SignInThatCannotBeTakenBack: here the session store fails as well, after the session was written, so that the
// session cannot be made to wait for a factor. Nobody learns its token.
func TestP6_SignInThatCannotBeTakenBack(t *testing.T) {
	f := newFrail(t, formOnly)
	b := f.browser()
	page := b.get("/login")
	form := url.Values{"username": {"bob"}, "password": {demo.BobPassword}, "csrf": {find(t, csrfField, page.body)}}
	f.secrets.strike(after(1), "get")
	f.sessions.strike(after(2), "commit") // after the login's claim and the sign-in
	got := b.post("/login", form)
	got.refusedForNow(t)
	f.secrets.end()
	f.sessions.end()
	for _, cookie := range got.Cookies() {
		if cookie.Name == "sallyport" && cookie.Value != "" {
			t.Errorf("the browser gets %s", cookie)
		}
	}
	if state := b.state(); state != "anonymous" {
		t.Errorf("the session is %s", state)
	}
}

// picky is a store of second factors that fails for some users.
type picky struct {
	factor.Store
	fails atomic.Pointer[string]
}

func (p *picky) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	if user := p.fails.Load(); user != nil && *user == key.User {
		return factor.Record{}, 0, errAway
	}
	return p.Store.Get(ctx, key)
}

// TestP6_RenamedWhileTheSecretsStoreFails: in the middle of her session the app calls alice by another name, and nobody
// can say whether she had a factor under the earlier name. A user who may lose a factor in this way does not go on
// without one.
func TestP6_RenamedWhileTheSecretsStoreFails(t *testing.T) {
	for _, fails := range []bool{false, true} {
		store := &picky{Store: factor.NewMemoryStore()}
		app := new(raisingApp)
		s := newRaising(t, func(c *Config) {
			c.Factors = factor.NewService(store, factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now, Timeout: time.Second})
		})
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			app.ServeHTTP(w, r)
			return nil
		})
		alice := s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		if !fails {
			// A user without a factor has none to lose.
			app.raise("s0", "alice2")
			if got := alice.get("/x"); got.body != "secrets of alice2" {
				t.Errorf("the control: %d %s", got.StatusCode, got.body)
			}
			continue
		}
		alice.enrol()
		app.raise("s0", "alice2")
		store.fails.Store(new("alice"))
		if got := alice.get("/x"); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, "secrets") {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
		store.fails.Store(nil)
		alice.wantsState("pending", "alice2")
		if got := alice.get("/x"); strings.Contains(got.body, "secrets") {
			t.Errorf("then: %d %s", got.StatusCode, got.body)
		}
	}
}

// frailRaising makes a raisingApp's site whose session store can fail, and where strangers can ask for /pub.
func frailRaising(t *testing.T) (*site, *failingSessions) {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	sessions := &failingSessions{Memory: memory}
	return newRaising(t, func(c *Config) {
		c.Public = gate.Open("/pub")
		c.Sessions = session.NewShared(sessions).Manager(session.Config{App: "ledger", Now: c.Now})
	}), sessions
}

// TestP6_StrangersAnswerWhileTheStoreFails: the store fails while the app answers a stranger's page load. Nobody knows
// whether a login has claimed the cookies that went with it, so the answer may be an account's.
func TestP6_StrangersAnswerWhileTheStoreFails(t *testing.T) {
	s, sessions := frailRaising(t)
	app, strikes := new(raisingApp), false
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/pub" && strikes {
			sessions.strike(func(context.Context) error { return errAway }, "find")
		}
		app.ServeHTTP(w, r)
		return nil
	})
	b := s.browser()
	b.get("/login").wants(t, http.StatusOK, "")
	if got := b.get("/pub"); got.body != "secrets of " {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	strikes = true
	if got := b.get("/pub"); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, "secrets") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}

// TestP6_WaitedWhileTheStoreFails: carol's request waits for another one of hers, which has raised the session as
// alice's. Then the store fails. What was read of the session before the wait no longer counts, and the request does
// not go to the app.
func TestP6_WaitedWhileTheStoreFails(t *testing.T) {
	for _, fails := range []string{"", "find", "commit"} {
		s, sessions := frailRaising(t)
		app := newGated()
		s.serve(app.upstream(t))
		carol := s.carol(t)
		form := alicesForm
		if fails == "" {
			form = "u=carol&p=pw-carol"
		}
		first := carol.raw(t, "POST", "/other", form, len(form))
		<-app.arrived
		second := carol.raw(t, "POST", "/write", "text=1", len("text=1"))
		eventually(t, "it waits", func() bool { return s.visits() == 2 })
		if fails != "" {
			sessions.strike(func(context.Context) error { return errAway }, fails)
		}
		app.open()
		if fails == "" {
			if got := body(t, first); got != "welcome, carol" {
				t.Fatalf("the control: %s", got)
			}
			if got := body(t, second); got != "secrets of carol" {
				t.Errorf("the control: %s", got)
			}
			continue
		}
		app.wantsNothingOfAlices(t, map[string]net.Conn{"raise": first, "write": second}, "POST /write alice")
	}
}

// TestP6_RaisedWhileTheStoreCannotBeWritten: the app raises carol's session as alice's while the session store can be
// read but not written. The gateway found this out but could not note it. By the store the session was still carol's,
// and what carol asked for next was alice's, until the next recheck.
func TestP6_RaisedWhileTheStoreCannotBeWritten(t *testing.T) {
	for _, becomes := range []string{"alice", ""} {
		s, sessions := frailRaising(t)
		app := newScripts()
		app.open()
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/out" {
				app.mutex.Lock()
				defer app.mutex.Unlock()
				app.raise(sid(r), "")
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		carol := s.carol(t)
		for range 2 {
			if got := carol.get("/app.js"); got.body != `secretsOf("carol")` {
				t.Fatalf("the control: %d %s", got.StatusCode, got.body)
			}
		}
		sessions.strike(func(context.Context) error { return errAway }, "commit", "claim", "delete")
		if becomes == "" {
			carol.do("POST", "/out", asForm, "").refusedForNow(t)
		} else {
			carol.do("POST", "/other", asForm, alicesForm).refusedForNow(t)
		}
		for range 2 {
			carol.get("/app.js").refusedForNow(t)
			carol.do("POST", "/write", asForm, "text=1").refusedForNow(t)
		}
		if app.has("POST /write " + becomes) {
			t.Errorf("%q: it was written", becomes)
		}
		sessions.end()
		if got := carol.get("/app.js"); strings.Contains(got.body, "secrets") {
			t.Errorf("%q: the store is back: %d %s", becomes, got.StatusCode, got.body)
		}
		if becomes == "" {
			carol.wantsState("anonymous", "")
		} else {
			carol.wantsState("pending", becomes)
		}
	}
}

// TestP7_BrowsersForgottenWhileTheStoreFails: a user who has her browsers forgotten is told so after it is done, and
// not if the store cannot do it.
func TestP7_BrowsersForgottenWhileTheStoreFails(t *testing.T) {
	store := &failingSecrets{Store: factor.NewMemoryStore()}
	s, _, b := trustingOver(t, store)
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	token := b.token("/")
	store.strike(func(context.Context) error { return errAway }, "put")
	for _, id := range []string{"", find(t, removeButton, b.get("/second-factor/").body)} {
		got := b.post("/second-factor/browsers", url.Values{"csrf_token": {token}, "id": {id}})
		if got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%q: %d to %q", id, got.StatusCode, got.Header.Get("Location"))
		}
	}
	store.end()
	b.own("/", "/logout", nil)
	wantNoChallenge(t, b)
	if strings.Contains(s.logged.String(), "browser_forgotten") {
		t.Error("the event is told")
	}
}
