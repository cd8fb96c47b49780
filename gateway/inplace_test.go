package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// raisingApp is an app without what PHP calls session_regenerate_id: it gives a cookie to a client that has none, and
// signs in under the cookie that is there. Two addresses sign in. Telephones get a page without the name.
type raisingApp struct {
	mutex sync.Mutex
	users map[string]string
}

func (a *raisingApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	id := ""
	if cookie, err := r.Cookie("sid"); err == nil {
		id = cookie.Value
	}
	switch {
	case r.Method == http.MethodPost && (r.URL.Path == "/login" || r.URL.Path == "/other"):
		if r.FormValue("p") != "pw-"+r.FormValue("u") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if _, known := a.users[id]; !known && id != "guest" {
			id = fmt.Sprint("s", len(a.users))
			w.Header().Set("Set-Cookie", "sid="+id+"; HttpOnly; Path=/")
		}
		a.raise(id, r.FormValue("u"))
		fmt.Fprint(w, "welcome, ", a.users[id])
	case r.URL.Path == "/static/door" || r.URL.Path == "/door":
		// A link that signs in.
		if q := r.URL.Query(); id != "" && q.Get("n") != "" && q.Get("w") == "pw-"+q.Get("n") {
			a.raise(id, q.Get("n"))
		}
		fmt.Fprint(w, "hello, ", a.users[id])
	case strings.HasPrefix(r.URL.Path, "/in/"):
		// A link that signs in by its path.
		if parts := strings.Split(r.URL.Path, "/"); len(parts) == 4 && parts[3] == "pw-"+parts[2] {
			a.raise(id, parts[2])
		}
		fmt.Fprint(w, "hello, ", a.users[id])
	case r.URL.Path == "/login":
		if id == "" {
			w.Header().Set("Set-Cookie", "sid=guest; HttpOnly; Path=/")
		}
	case r.URL.Path == "/me" && strings.Contains(r.UserAgent(), "Mobile"):
		fmt.Fprint(w, "{}")
	case r.URL.Path == "/me":
		fmt.Fprintf(w, `{"name":%q}`, a.users[id])
	default:
		fmt.Fprint(w, "secrets of ", a.users[id])
	}
}

func (a *raisingApp) raise(id, name string) {
	if a.users == nil {
		a.users = make(map[string]string)
	}
	a.users[id] = name
}

func newRaising(t *testing.T, change func(*Config)) *site {
	t.Helper()
	app := new(raisingApp)
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		}
		if change != nil {
			change(c)
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	return s
}

const asForm = "application/x-www-form-urlencoded"

// TestP5_RaisedWithoutASign: carol signs in without a cookie, so that the app sets one. Then she posts alice's password
// to an address that no login describes. The app raises the session that it has, and no cookie shows it. The answer,
// and everything after it, was alice's until the next recheck, over and over again.
func TestP5_RaisedWithoutASign(t *testing.T) {
	s := newRaising(t, nil)
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	if got := alice.get("/x"); got.body != "secrets of alice" {
		t.Fatalf("the control: %s", got.body)
	}
	carol := s.browser()
	if got := carol.do("POST", "/login", asForm, "u=carol&p=pw-carol"); got.body != "welcome, carol" {
		t.Fatalf("carol: %d %s", got.StatusCode, got.body)
	}
	if got := carol.do("POST", "/other", asForm, "u=carol&p=pw-carol"); got.body != "welcome, carol" {
		t.Fatalf("her own post: %d %s", got.StatusCode, got.body)
	}
	carol.do("POST", "/other", asForm, "u=alice&p=pw-alice").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	carol.wantsState("pending", "alice")
	if got := carol.get("/x"); strings.Contains(got.body, "alice") && got.StatusCode == http.StatusOK {
		t.Errorf("carol reads %s", got.body)
	}
}

// TestP4_AnotherViewWithoutTheName: the page that names the account has a view for telephones that does not. If a
// client says that it is one, the app is asked for the page's plain form as well.
func TestP4_AnotherViewWithoutTheName(t *testing.T) {
	s := newRaising(t, nil)
	first := s.browser()
	first.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	first.enrol()
	b := s.as("Mozilla/5.0 (Mobile)")
	b.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.wantsState("pending", "alice")
}

// TestP5_RaisedByALink: the app also signs in by a link, whose fields no login block describes. Carol follows such a
// link with alice's password: the page behind it, and everything after it, was alice's until the next recheck. A
// stranger did the same at a public address, which showed her alice's page.
func TestP5_RaisedByALink(t *testing.T) {
	const link = "/door?n=alice&w=pw-alice"
	s, carol := newRaised(t, nil)
	carol.get("/door?n=carol&w=pw-carol").wants(t, http.StatusOK, "")
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Fatalf("the control: %s", got.body)
	}
	if got := carol.get(link); strings.Contains(got.body, "alice") {
		t.Errorf("the link itself: %s", got.body)
	}
	carol.wantsState("pending", "alice")
	carol = s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	if got := carol.get("/in/carol/pw-carol"); got.body != "hello, carol" {
		t.Errorf("her own by its path: %d %s", got.StatusCode, got.body)
	}
	if got := carol.get("/in/alice/pw-alice"); strings.Contains(got.body, "alice") {
		t.Errorf("by its path: %s", got.body)
	}
	carol.wantsState("pending", "alice")
	stranger := s.browser()
	stranger.get("/login")
	stranger.get("/static/door").wants(t, http.StatusOK, "")
	if got := stranger.get("/static" + link); strings.Contains(got.body, "alice") {
		t.Errorf("a public link: %s", got.body)
	}
	if got := stranger.get("/static/door"); strings.Contains(got.body, "alice") {
		t.Errorf("behind it: %s", got.body)
	}
}

// newRaised makes a site where alice is enrolled and carol is signed in.
func newRaised(t *testing.T, change func(*Config)) (*site, *browser) {
	t.Helper()
	s := newRaising(t, func(c *Config) {
		c.Public = gate.Open("/static/door?*")
		if change != nil {
			change(c)
		}
	})
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	carol := s.browser()
	if got := carol.do("POST", "/login", asForm, "u=carol&p=pw-carol"); got.body != "welcome, carol" {
		t.Fatalf("carol: %d %s", got.StatusCode, got.body)
	}
	return s, carol
}

// TestP5_AnotherCookieIsNoRenewal: the app gave another cookie at carol's sign-in, because it had forgotten the session
// that she came with, or gave it beside the session's. That was taken for a sign that the app always renews its cookie,
// and so her next sign-in, in place, as alice, was not noticed.
func TestP5_AnotherCookieIsNoRenewal(t *testing.T) {
	for name, before := range map[string]string{"a session that was forgotten": "sid=forgotten", "a message": "flash=1"} {
		app := new(raisingApp)
		s := newRaising(t, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/login" && r.Method == http.MethodGet {
				w.Header().Add("Set-Cookie", before+"; HttpOnly; Path=/")
				return nil
			}
			if r.URL.Path == "/login" && before == "flash=1" {
				w.Header().Add("Set-Cookie", "flash=2; HttpOnly; Path=/")
				app.mutex.Lock()
				app.raise("s9", r.FormValue("u"))
				app.mutex.Unlock()
				w.Header().Add("Set-Cookie", "sid=s9; HttpOnly; Path=/")
				fmt.Fprint(w, "welcome, ", r.FormValue("u"))
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		alice := s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice")
		alice.enrol()
		carol := s.browser()
		carol.get("/login")
		if got := carol.do("POST", "/login", asForm, "u=carol&p=pw-carol"); got.body != "welcome, carol" {
			t.Fatalf("%s: carol: %d %s", name, got.StatusCode, got.body)
		}
		if got := carol.do("POST", "/other", asForm, "u=carol&p=pw-carol"); got.body != "welcome, carol" {
			t.Fatalf("%s: her own: %d %s", name, got.StatusCode, got.body)
		}
		carol.do("POST", "/other", asForm, "u=alice&p=pw-alice").wants(t, http.StatusSeeOther, "/second-factor/challenge")
		if !strings.Contains(s.logged.String(), "setting=renews") {
			t.Errorf("%s: the log gives no hint", name)
		}
	}
}

// TestRenews: if the operator says that the app renews its cookie, the gateway believes it and asks nothing.
func TestRenews(t *testing.T) {
	_, carol := newRaised(t, func(c *Config) { c.Renews = true })
	if got := carol.get("/door?n=alice&w=pw-alice"); got.body != "hello, alice" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}
