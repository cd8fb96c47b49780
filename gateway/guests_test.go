package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestP4_GuestsNameChanges: one day the app begins to give strangers a name, or another one. A user who then fails to
// sign in is nobody, as before. She must not become somebody of that name, who would set up a factor of her own for it.
// So the gateway asks once an hour what strangers are called.
func TestP4_GuestsNameChanges(t *testing.T) {
	for _, first := range []string{"anonymous", ""} {
		app := &moodyApp{guest: first}
		s := newMoody(t, app, nil)
		fails := func() {
			t.Helper()
			b := s.browser()
			b.do("POST", "/login", asForm, "u=alice&p=wrong")
			b.wantsState("anonymous", "")
			b.get("/second-factor/setup").wants(t, http.StatusSeeOther, "/login")
		}
		fails()
		app.mutex.Lock()
		app.guest = "visitor"
		app.mutex.Unlock()
		s.clock.Advance(time.Hour)
		fails()
		b := s.browser()
		b.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		b.wantsState("verified", "alice")
	}
}

// TestP4_GuestsNameByTheClient: the app names strangers after something in their requests: the address, as a wiki does,
// the language that they ask for, or the browser. A client at another address than the one that was asked about first
// became a user of that name, with any password: verified, with the whole app open to her. A user whose session ended
// in the app became a stranger in the same way, and stayed verified. The control: a user signs in from each address.
func TestP4_GuestsNameByTheClient(t *testing.T) {
	for _, name := range []string{"X-Forwarded-For", "Accept-Language", "User-Agent", "Sec-Ch-Ua-Platform", "Dnt"} {
		var ended atomic.Bool
		app := &moodyApp{called: func(r *http.Request) string { return "guest-" + r.Header.Get(name) }, nobody: func(*http.Request) bool { return ended.Load() }}
		s := newMoody(t, app, nil)
		for _, value := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
			says := http.Header{"Content-Type": {asForm}, "Accept": {"text/html"}, name: {value}}
			direct := httptest.NewRequest(http.MethodGet, "/me", nil)
			direct.Header = says
			answer := httptest.NewRecorder()
			if app.ServeHTTP(answer, direct); answer.Body.String() != `{"name":"guest-`+value+`"}` {
				t.Fatalf("the app itself: %s", answer.Body)
			}
			for _, path := range []string{"/login", "/pub/enter"} {
				b := s.browser()
				b.send("POST", path, "u=alice&p=wrong", says)
				b.wantsState("anonymous", "")
				b.send("GET", "/files", "", says).wants(t, http.StatusSeeOther, "/login")
			}
			b := s.browser()
			b.send("POST", "/login", "u=carol&p=pw-carol", says).wants(t, http.StatusOK, "")
			b.wantsState("verified", "carol")
			s.clock.Advance(2 * time.Minute)
			ended.Store(true)
			b.send("GET", "/files", "", says).wants(t, http.StatusSeeOther, "/login")
			b.wantsState("anonymous", "")
			ended.Store(false)
		}
	}
}

// TestP4_GuestsNameByTheHost: the gateway serves several hosts. At one of them, perhaps one that a client makes up, the
// app has no address that names anybody. A client that came there first made the gateway believe that strangers have no
// name, and could then, with any password, sign in under a guest's name at the other host. So the gateway asks at each
// host what strangers are called. The control: a user signs in there.
func TestP4_GuestsNameByTheHost(t *testing.T) {
	app := &moodyApp{called: func(r *http.Request) string {
		if strings.HasPrefix(r.Host, "localhost") {
			return ""
		}
		return "anonymous"
	}}
	s := newMoody(t, app, nil)
	at := s.server.URL
	for range 2 {
		s.server.URL = strings.Replace(at, "127.0.0.1", "localhost", 1)
		b := s.browser()
		b.do("POST", "/login", asForm, "u=alice&p=wrong")
		b.wantsState("anonymous", "")
		s.server.URL = at
		b = s.browser()
		b.do("POST", "/login", asForm, "u=alice&p=wrong")
		b.wantsState("anonymous", "")
		b.get("/files").wants(t, http.StatusSeeOther, "/login")
	}
	b := s.browser()
	b.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	b.wantsState("verified", "alice")
}

// TestP4_DeclaredGuests: the app gives strangers one name, and clients that failed to sign in another name, which the
// operator declares to be a guest's.
func TestP4_DeclaredGuests(t *testing.T) {
	app := &moodyApp{called: func(r *http.Request) string {
		if _, err := r.Cookie("visit"); err == nil {
			return "nobody"
		}
		return "anonymous"
	}}
	s := newMoody(t, app, func(c *Config) { c.Logins.Identities[0].Guests = []string{"nobody"} })
	for _, path := range []string{"/login", "/pub/enter"} {
		b := s.browser()
		b.do("POST", path, asForm, "u=alice&p=wrong")
		b.wantsState("anonymous", "")
		b.get("/files").wants(t, http.StatusSeeOther, "/login")
	}
	b := s.browser()
	b.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	b.wantsState("verified", "alice")
}

// TestP4_EachGuestHasAName: the app gives each stranger a name of her own and keeps it in her session. A name then no
// longer says that somebody is signed in: with any password, a stranger was verified under her guest's name. Now nobody
// gets in, and the log says so, until the operator names an address that speaks of users only, or says what guests are
// called. The control: the same app with its guests' names declared.
func TestP4_EachGuestHasAName(t *testing.T) {
	for _, said := range []bool{false, true} {
		var count atomic.Int64
		app := &moodyApp{called: func(r *http.Request) string {
			if cookie, err := r.Cookie("visit"); err == nil && cookie.Value == "1" {
				return "guest-0"
			}
			return fmt.Sprint("guest-", count.Add(1)%3)
		}}
		s := newMoody(t, app, func(c *Config) {
			if said {
				c.Logins.Identities[0].Guests = []string{"guest-0", "guest-1", "guest-2"}
			}
		})
		for range 4 {
			for _, path := range []string{"/login", "/pub/enter"} {
				b := s.browser()
				b.do("POST", path, asForm, "u=alice&p=wrong")
				b.wantsState("anonymous", "")
				b.get("/files").wants(t, http.StatusSeeOther, "/login")
			}
		}
		b := s.browser()
		got := b.do("POST", "/login", asForm, "u=alice&p=pw-alice")
		switch logged := s.logged.String(); {
		case said:
			b.wantsState("verified", "alice")
		case got.StatusCode != http.StatusBadGateway || !strings.Contains(logged, "setting=identity") || !strings.Contains(logged, "another name"):
			t.Errorf("%d, and the log: %s", got.StatusCode, logged)
		}
	}
}

// TestP4_StrangersWordIsNotTheClients: the app refuses to say who is signed in (403) to browsers that it does not like.
// The attacker comes with such a browser before anybody else, so that this seemed to be the app's answer to strangers.
// Then the same answer after her sign-in meant "nobody", and she saw the account's page. So what strangers are told is
// asked without anything that a client chose. The control: after a wrong password in an ordinary browser, nobody is
// signed in.
func TestP4_StrangersWordIsNotTheClients(t *testing.T) {
	for _, odd := range []struct{ name, value string }{
		{"User-Agent", "EvilBot"}, {"Accept-Language", "tlh"}, {"Accept-Encoding", "identity;q=0"}, {"Sec-Ch-Ua-Mobile", "?2"}, {"Save-Data", "on"},
	} {
		app := &moodyApp{refuses: func(r *http.Request) bool { return r.Header.Get(odd.name) == odd.value }}
		s := newMoody(t, app, nil)
		alice := s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		alice.enrol()
		says := http.Header{"Content-Type": {asForm}, "Accept": {"text/html"}, odd.name: {odd.value}}
		for _, path := range []string{"/login", "/pub/enter"} {
			b := s.browser()
			b.send("POST", path, "u=alice&p=wrong", says)
			got := b.send("POST", path, "u=alice&p=pw-alice", says)
			if strings.Contains(got.body, "the desk of alice") {
				t.Errorf("%s with %s: %d %s", path, odd.name, got.StatusCode, got.body)
			}
			if got := b.get("/pub/x"); strings.Contains(got.body, "alice") {
				t.Errorf("%s with %s, then what is public: %s", path, odd.name, got.body)
			}
		}
		b := s.browser()
		b.do("POST", "/login", asForm, "u=alice&p=wrong").wants(t, http.StatusForbidden, "")
		b.wantsState("anonymous", "")
		b.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusSeeOther, "/second-factor/challenge")
		b.wantsState("pending", "alice")
	}
}

// TestP4_CrawlersAreStrangers: the app takes crawlers for strangers on every page, and says so by 401 or by a redirect.
// Its login looks at name and password only. The attacker signs in as alice with a crawler's User-Agent: asked in that
// form, the app knew nobody, and her page was shown as that of a wrong password; at a public address, her session was
// kept as a stranger's. So the app is asked in the plain form, too. The control: alice's password at the app itself.
func TestP4_CrawlersAreStrangers(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusFound, http.StatusForbidden} {
		app := &moodyApp{}
		s := newMoody(t, app, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/me" && (len(r.Cookies()) == 0 || strings.Contains(r.UserAgent(), "bot")) {
				w.Header().Set("Location", "/login")
				w.WriteHeader(status)
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		alice := s.browser()
		if got := alice.do("POST", "/login", asForm, "u=alice&p=pw-alice"); !strings.Contains(got.body, "the desk of alice") {
			t.Fatalf("%d: the control: %d %s", status, got.StatusCode, got.body)
		}
		alice.enrol()
		says := http.Header{"Content-Type": {asForm}, "Accept": {"text/html"}, "User-Agent": {"Mozilla/5.0 (compatible; a bot)"}}
		for _, path := range []string{"/login", "/pub/enter"} {
			b := s.browser()
			if got := b.send("POST", path, "u=alice&p=pw-alice", says); strings.Contains(got.body, "the desk of alice") {
				t.Errorf("%d, %s: %d %s", status, path, got.StatusCode, got.body)
			}
			b.wantsState("pending", "alice")
			if got := b.send("GET", "/pub/x", "", says); strings.Contains(got.body, "alice") {
				t.Errorf("%d, %s, then what is public: %s", status, path, got.body)
			}
		}
	}
}
