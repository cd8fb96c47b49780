package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP5_BrokenOffBehindALink: a stranger follows a link of alice's whose secret is its path. The app raises the
// session that the stranger has, and breaks off. The gateway did not notice, and the next public page was alice's.
// Before the cookies go anywhere again, the app is asked about them.
func TestP5_BrokenOffBehindALink(t *testing.T) {
	for _, who := range []string{"", "carol", "alice"} {
		app := new(raisingApp)
		s := newRaising(t, func(c *Config) { c.Public = gate.Open("/pub", "/in/*") })
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/in/") {
				app.mutex.Lock()
				defer app.mutex.Unlock()
				app.raise(sid(r), who)
				return errors.New("the app broke off")
			}
			app.ServeHTTP(w, r)
			return nil
		})
		s.carol(t)
		b := s.browser()
		b.get("/login")
		if got := b.get("/pub"); got.body != "secrets of " {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		if got := b.get("/in/house"); got.StatusCode != http.StatusBadGateway {
			t.Fatalf("%q: the link: %d %s", who, got.StatusCode, got.body)
		}
		switch got := b.get("/pub"); {
		case who == "alice":
			if strings.Contains(got.body, "alice") {
				t.Errorf("a public page is %d %s", got.StatusCode, got.body)
			}
			b.wantsState("pending", "alice")
		case got.body != "secrets of "+who:
			t.Errorf("%q: %d %s", who, got.StatusCode, got.body)
		case who == "carol":
			b.wantsState("verified", "carol")
		}
	}
}

// covering is an app that takes the user of `sid`, even if that is nobody, and without a `sid` the user who was
// invited. A visit brings a `sid` of nobody's for half a minute. /door, with a password, and the link /static/join
// bring an invitation.
func covering(w http.ResponseWriter, r *http.Request, shy bool) {
	who := ""
	for _, name := range []string{"sid", "invitation"} {
		if cookie, err := r.Cookie(name); err == nil && !(shy && name == "invitation" && r.URL.Path == "/me") {
			who = strings.TrimPrefix(cookie.Value, "of-")
			break
		}
	}
	set := func(line string) { w.Header().Add("Set-Cookie", line+"; HttpOnly; Path=/") }
	name, invited := strings.CutPrefix(r.URL.Path, "/static/join/")
	switch {
	case r.URL.Path == "/static/visit":
		set("sid=of-; Max-Age=30")
	case invited:
		set("invitation=of-" + name)
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+r.FormValue("u"):
		set(map[bool]string{true: "invitation", false: "sid"}[r.URL.Path == "/door"] + "=of-" + r.FormValue("u"))
	case r.URL.Path == "/me":
		fmt.Fprintf(w, `{"name":%q}`, who)
	default:
		fmt.Fprint(w, "secrets of ", who)
	}
}

// TestP5_UncoveredByTimeForAStranger: a stranger has a cookie of alice's below a session of nobody's, so that the app
// names nobody. Then that session's cookie expires in custody, which no answer shows, and a public page was alice's. If
// the app cannot be asked, all the cookies are forgotten.
func TestP5_UncoveredByTimeForAStranger(t *testing.T) {
	for _, typed := range []bool{false, true} {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			block := login.Block{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}
			c.Public = append(gate.Open("/static/*"), gate.Opening{Paths: match.NewGlobs("/door"), Methods: []string{"POST"}})
			if c.Logins = (login.Set{Blocks: []login.Block{block}, Typed: typed}); typed {
				c.Logins.Blocks[0].Fields, c.Logins.Blocks[0].Success = []string{"p"}, [][]login.Rule{{{Kind: login.Cookie, Name: "sid"}}}
				return
			}
			c.Logins.Identities = []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}}
		})
		shy := !typed
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			covering(w, r, shy)
			return nil
		})
		alice := s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		alice.enrol()
		b := s.browser()
		b.get("/static/visit").wants(t, http.StatusOK, "")
		if typed {
			b.get("/static/join/alice").wants(t, http.StatusOK, "")
		} else {
			b.do("POST", "/door", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		}
		if got := b.get("/static/x"); got.body != "secrets of " {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		shy = false
		s.clock.Advance(31 * time.Second)
		if got := b.get("/static/x"); strings.Contains(got.body, "alice") {
			t.Errorf("typed %v: a public page is %s", typed, got.body)
		}
		if typed {
			b.wantsState("anonymous", "")
		} else {
			b.wantsState("pending", "alice")
		}
	}
}
