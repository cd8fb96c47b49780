package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// twoCookies is an app that keeps a session and a separate cookie that signs users in again, which counts if the app
// does not know the session. The app cannot always say who is signed in.
type twoCookies struct {
	mutex   sync.Mutex
	of      map[string]string
	unclear bool
	arrived chan struct{}
	release chan struct{}
}

func (a *twoCookies) user(r *http.Request) string {
	for _, name := range []string{"sid", "rem"} {
		if cookie, err := r.Cookie(name); err == nil && a.of[cookie.Value] != "" {
			return a.of[cookie.Value]
		}
	}
	return ""
}

func (a *twoCookies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/renew" {
		a.arrived <- struct{}{}
		<-a.release
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	name, who := r.FormValue("u"), a.user(r)
	switch {
	case r.URL.Path == "/me" && a.unclear:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/me":
		fmt.Fprintf(w, `{"name":%q}`, who)
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+name:
		for _, cookie := range []string{"sid", "rem"} {
			value := fmt.Sprint(cookie, len(a.of))
			a.of[value] = name
			w.Header().Add("Set-Cookie", cookie+"="+value+"; HttpOnly; Path=/")
		}
		fmt.Fprint(w, "secrets of ", name)
	case r.URL.Path == "/renew":
		value := fmt.Sprint("sid", len(a.of))
		a.of[value] = who
		w.Header().Add("Set-Cookie", "sid="+value+"; HttpOnly; Path=/")
	case r.URL.Path == "/everywhere":
		for value, of := range a.of {
			if of == who {
				delete(a.of, value)
			}
		}
	default:
		fmt.Fprint(w, "secrets of ", who)
	}
}

// TestP5_HalfOfASignIn: carol posts alice's password to an address that no login describes, while the app cannot say
// who is signed in, or hangs up when it is asked. What the app set was kept, to be asked about later. An answer to
// carol that was on its way then replaced the session cookie, but not the cookie beside it that remembers alice. The
// app vouched for both, by the session. When carol signed herself out everywhere, in another browser, the app fell back
// on alice's cookie.
func TestP5_HalfOfASignIn(t *testing.T) {
	for _, renews := range []bool{true, false} {
		app := &twoCookies{of: map[string]string{}, arrived: make(chan struct{}), release: make(chan struct{})}
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Renews = renews
			c.Logins = login.Set{
				Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
				Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
			}
		})
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			app.ServeHTTP(w, r)
			return nil
		})
		alice, carol, elsewhere := s.browser(), s.browser(), s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		alice.enrol()
		carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
		elsewhere.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
		if got := carol.get("/x"); got.body != "secrets of carol" {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		own := background(func() answer { return carol.get("/renew") })
		<-app.arrived
		say := func(unclear bool) {
			app.mutex.Lock()
			defer app.mutex.Unlock()
			app.unclear = unclear
		}
		say(true)
		if got := carol.do("POST", "/door", asForm, "u=alice&p=pw-alice"); got.StatusCode != http.StatusBadGateway {
			t.Errorf("renews %t: the door: %d %s", renews, got.StatusCode, got.body)
		}
		say(false)
		app.release <- struct{}{}
		(<-own).wants(t, http.StatusOK, "")
		if got := carol.get("/x"); got.body != "secrets of carol" {
			t.Errorf("renews %t: carol's own: %d %s", renews, got.StatusCode, got.body)
		}
		elsewhere.get("/everywhere")
		for _, method := range []string{"POST", "GET"} {
			if got := carol.do(method, "/x", "", ""); strings.Contains(got.body, "alice") {
				t.Errorf("renews %t: carol reads %s", renews, got.body)
			}
		}
	}
}
