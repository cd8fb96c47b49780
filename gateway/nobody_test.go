package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP1_LedElsewhereWithinASession is TestP1_LedElsewhereThanStrangers by a user who is verified as herself. Her login
// as alice goes out as a stranger's, and is judged as one. What the app says of alice differs from what it says to
// strangers, so it does not mean "nobody".
func TestP1_LedElsewhereWithinASession(t *testing.T) {
	app := new(raisingApp)
	s := newRaising(t, func(c *Config) { c.Public = gate.Open("/pub") })
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.mutex.Lock()
		who := app.users[sid(r)]
		app.mutex.Unlock()
		if r.URL.Path == "/me" && who != "carol" {
			w.Header().Set("Location", map[bool]string{true: "/signed-out", false: "/change-password"}[who == ""])
			w.WriteHeader(http.StatusFound)
			return nil
		}
		if r.URL.Path == "/login" && r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html>")
		}
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.browser()
	if got := carol.do("POST", "/login", asForm, "u=carol&p=pw-carol"); !strings.Contains(got.body, "welcome, carol") {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	if got := carol.do("POST", "/login", asForm, alicesForm); got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "alice") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := carol.get("/x"); strings.Contains(got.body, "alice") {
		t.Errorf("then: %s", got.body)
	}
}

// TestP4_OneLineUnclear: one of two identity lines cannot be asked. The name that the other line gives is only half an
// answer, whichever comes first.
func TestP4_OneLineUnclear(t *testing.T) {
	for _, unclear := range []string{"", "/me", "/staff/me"} {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Logins = login.Set{
				Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
				Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}, {Path: "/staff/me", Kind: login.JSON, Pointer: "/name"}},
			}
		})
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if _, err := r.Cookie("customer"); err == nil && r.URL.Path == unclear {
				w.WriteHeader(http.StatusServiceUnavailable)
				return nil
			}
			if r.URL.Path == "/staff/me" {
				r.URL.Path = "/me" // a customer is on the staff as well
			}
			twoDoors(w, r)
			return nil
		})
		b := s.browser()
		got := b.do("POST", "/login", asForm, "u=carol&p=pw-carol")
		if unclear == "" {
			got.wants(t, http.StatusOK, "")
			b.wantsState("verified", "carol")
			continue
		}
		if got.StatusCode != http.StatusBadGateway {
			t.Errorf("%s unclear: %d", unclear, got.StatusCode)
		}
		b.wantsState("anonymous", "")
	}
}

// TestP5_UncoveredInFront: requests to different paths carry different parts of the jar. One part is alice's, a later
// one is nobody's, and the last that is asked about is carol's own. That the last one is hers says nothing about the
// first.
func TestP5_UncoveredInFront(t *testing.T) {
	app := &remembering{path: "/app"}
	s := newRemembering(t, app, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/login" && r.Method == http.MethodGet {
			w.Header().Set("Set-Cookie", "guest=1; HttpOnly; Path=/other")
			return nil
		}
		_, guest := r.Cookie("guest")
		if _, err := r.Cookie("sid"); err != nil && guest == nil {
			r.Header.Del("Cookie") // at /other nobody is remembered
		}
		app.ServeHTTP(w, r)
		return nil
	})
	s.doorIsNoWayIn(t)
}

// rolling is an app that changes its session cookie with each answer to a user, also with the answer to the question
// who is signed in. The earlier cookie is then worthless.
type rolling struct {
	current map[string]string // the user by the value that counts
	count   int
}

func (a *rolling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := ""
	roll := func(name string) {
		a.count++
		value := fmt.Sprint("v", a.count)
		a.current[value] = name
		w.Header().Set("Set-Cookie", "sid="+value+"; HttpOnly; Path=/")
	}
	if value := sid(r); a.current[value] != "" {
		who = a.current[value]
		delete(a.current, value)
		roll(who)
	}
	switch name := r.FormValue("u"); {
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+name:
		roll(name)
	case r.URL.Path == "/me" || r.URL.Path == "/staff/me":
		fmt.Fprintf(w, `{"name":%q}`, who)
	default:
		fmt.Fprint(w, "secrets of ", who)
	}
}

// TestP4_CookiesOfTheAnswerToTheQuestion: what the app sets when it is asked who is signed in belongs to the session
// like everything else: at the login, at each recheck, and after each answer, with one identity line or two.
func TestP4_CookiesOfTheAnswerToTheQuestion(t *testing.T) {
	for _, lines := range []int{1, 2} {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Logins = login.Set{
				Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
				Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}, {Path: "/staff/me", Kind: login.JSON, Pointer: "/name"}}[:lines],
			}
		})
		app := &rolling{current: make(map[string]string)}
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			app.ServeHTTP(w, r)
			return nil
		})
		b := s.browser()
		b.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
		for i := range 4 {
			if got := b.get("/x"); got.body != "secrets of carol" {
				t.Fatalf("%d lines, request %d: %d %s", lines, i+1, got.StatusCode, got.body)
			}
			s.clock.Advance(2 * s.gateway.site.Config.Recheck)
		}
		b.wantsState("verified", "carol")
	}
}
