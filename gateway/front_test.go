package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/login"
)

// front is a handler in front of us that signs in the user whom a header names.
func front(r *http.Request) string { return r.Header.Get("X-Test-Front") }

func by(name string) http.Header { return http.Header{"X-Test-Front": {name}} }

func newFront(t testing.TB, app http.Handler, change func(*Config)) *site {
	return newStanding(t, app, login.Source{Kind: login.Placeholder, Name: "{http.auth.user.id}"}, func(c *Config) {
		c.Front = front
		if change != nil {
			change(c)
		}
	})
}

// fronted is the app behind it, which serves everybody.
type fronted struct {
	mutex sync.Mutex
	count int
}

func (f *fronted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.count++
	w.Header().Set("Set-Cookie", fmt.Sprintf("app=%d; HttpOnly; Path=/", f.count))
	fmt.Fprint(w, "secrets for ", r.Header.Get("X-Second-Factor-User"))
}

// TestP5_FrontIdentityOfEachRequest: each request belongs to the user whom the handler in front names, and the session
// counts for that user only.
func TestP5_FrontIdentityOfEachRequest(t *testing.T) {
	app := new(fronted)
	s := newFront(t, app, nil)
	owner := s.browser()
	owner.send("GET", "/", "", by("alice")).wants(t, http.StatusOK, "")
	key := frontEnrol(owner, "alice")
	app.count = 0

	b := s.browser()
	b.send("GET", "/page", "", by("alice")).wants(t, http.StatusSeeOther, challengePage)
	if got := b.send("POST", "/page", "x", http.Header{"X-Test-Front": {"alice"}, "Accept": {"*/*"}}); got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, "second-factor-required") {
		t.Errorf("a script: %d %s", got.StatusCode, got.body)
	}
	if app.count != 0 {
		t.Fatal("the app was reached without the factor")
	}
	if got := b.send("GET", "/second-factor/status", "", by("alice")); !strings.Contains(got.body, `"pending","user":"alice"`) {
		t.Errorf("status: %s", got.body)
	}
	if got := frontPass(b, "alice", key); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/page" {
		t.Fatalf("the code: %d %s", got.StatusCode, got.Header.Get("Location"))
	}
	for range 3 { // the app's own cookie changes each time, which says nothing of who is there
		if got := b.send("GET", "/page", "", by("alice")); got.body != "secrets for alice" {
			t.Errorf("verified: %d %s", got.StatusCode, got.body)
		}
	}
	reached := app.count
	// If the handler in front names nobody, nothing passes, and the session stays as it is.
	for _, nobody := range []http.Header{nil, by(""), by(" "), by("a\u200db")} {
		if got := b.send("GET", "/page", "", nobody); got.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %d", nobody, got.StatusCode)
		}
		if got := b.send("GET", "/second-factor/", "", nobody); got.StatusCode != http.StatusForbidden {
			t.Errorf("%v: settings: %d", nobody, got.StatusCode)
		}
		if got := b.send("GET", "/second-factor/status", "", nobody); !strings.Contains(got.body, `"anonymous"`) {
			t.Errorf("%v: %s", nobody, got.body)
		}
	}
	b.send("GET", "/page", "", by("alice")).wants(t, http.StatusOK, "")
	// If it names another user, that is another login.
	carol := b.send("GET", "/page", "", by("carol")) // has no factor
	if carol.body != "secrets for carol" {
		t.Errorf("carol: %d %s", carol.StatusCode, carol.body)
	}
	b.send("GET", "/page", "", by("alice")).wants(t, http.StatusSeeOther, challengePage)
	if got := b.send("GET", "/second-factor/", "", by("ALICE")); got.StatusCode != http.StatusSeeOther {
		t.Errorf("another spelling of her name: %d", got.StatusCode)
	}
	if app.count != reached+2 {
		t.Errorf("the app was reached %d times", app.count-reached)
	}
}

// TestP1_FrontPublic: public paths are open, and begin no session.
func TestP1_FrontPublic(t *testing.T) {
	s := newFront(t, new(fronted), nil)
	for _, header := range []http.Header{nil, by("alice")} {
		got := s.browser().send("GET", "/static/x", "", header)
		if got.StatusCode != http.StatusOK || got.body != "secrets for " {
			t.Errorf("%v: %d %s", header, got.StatusCode, got.body)
		}
	}
}

// TestP8_FrontSignOut: a sign-out also works when the handler in front no longer names anybody.
func TestP8_FrontSignOut(t *testing.T) {
	s := newFront(t, new(fronted), nil)
	b := s.browser()
	b.send("GET", "/", "", by("alice"))
	frontEnrol(b, "alice")
	page := b.send("GET", "/second-factor/", "", by("alice"))
	token := find(t, ownCSRF, page.body)
	b.send("POST", "/second-factor/logout", "csrf_token="+token, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}).wants(t, http.StatusSeeOther, "/")
	if got := b.status(); !strings.Contains(got, "anonymous") {
		t.Errorf("signed out: %s", got)
	}
	b.send("GET", "/", "", by("alice")).wants(t, http.StatusSeeOther, challengePage)
}

func frontForm(b *browser, name, from, to, code string) answer {
	b.s.t.Helper()
	token := find(b.s.t, ownCSRF, b.send("GET", "/second-factor"+from, "", by(name)).body)
	header := by(name)
	header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	return b.send("POST", "/second-factor"+to, "csrf_token="+token+"&code="+code, header)
}

func frontEnrol(b *browser, name string) string {
	b.s.t.Helper()
	frontForm(b, name, "/", "/setup", "").wants(b.s.t, http.StatusSeeOther, "/second-factor/setup")
	key := find(b.s.t, secretKey, b.send("GET", "/second-factor/setup", "", by(name)).body)
	if got := frontForm(b, name, "/setup", "/setup/confirm", b.s.code(key)); got.StatusCode != http.StatusSeeOther {
		b.s.t.Fatalf("confirm: %d", got.StatusCode)
	}
	return key
}

func frontPass(b *browser, name, key string) answer {
	b.s.clock.Advance(30 * time.Second)
	return frontForm(b, name, "/challenge", "/challenge", b.s.code(key))
}
