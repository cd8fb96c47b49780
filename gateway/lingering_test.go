package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP5_AtWorkAfterBreakingOff: the app breaks off its answer but goes on with what was asked of it, and raises
// carol's session as alice's a moment later. By then the app was asked once more and named carol. A request whose
// answer nobody saw therefore counts as being at the app for a while.
func TestP5_AtWorkAfterBreakingOff(t *testing.T) {
	app := newScripts()
	s := newRaising(t, nil)
	var later func()
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/job" {
			app.ServeHTTP(w, r)
			return nil
		}
		id := sid(r)
		later = func() {
			app.mutex.Lock()
			defer app.mutex.Unlock()
			app.raise(id, "alice")
		}
		return errors.New("the app broke off")
	})
	carol := s.carol(t)
	for range 2 {
		if got := carol.get("/app.js"); got.body != `secretsOf("carol")` {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
	}
	if got := carol.do("POST", "/job", asForm, alicesForm); got.StatusCode != http.StatusBadGateway {
		t.Fatalf("it did not break off: %d", got.StatusCode)
	}
	if got := carol.get("/app.js"); got.body != `secretsOf("carol")` {
		t.Errorf("her own: %d %s", got.StatusCode, got.body)
	}
	later()
	if got := carol.get("/app.js"); strings.Contains(got.body, "alice") {
		t.Errorf("carol reads %s", got.body)
	}
}

// withLinks is an app in which every link signs in by its query, under the cookie that the app gives to strangers.
func withLinks(attributes string) Handler {
	app := new(raisingApp)
	return func(w http.ResponseWriter, r *http.Request) error {
		app.mutex.Lock()
		defer app.mutex.Unlock()
		id := sid(r)
		if q := r.URL.Query(); id != "" && q.Get("n") != "" && q.Get("w") == "pw-"+q.Get("n") {
			app.raise(id, q.Get("n"))
		}
		if id == "" && r.URL.Path == "/plain" {
			w.Header().Set("Set-Cookie", "sid=guest"+attributes+"; Path=/")
		}
		fmt.Fprint(w, "page of ", app.users[id])
		return nil
	}
}

// TestP5_TypedLinkThatRaises: if the app cannot be asked, a link with a name and a password signs in under a stranger's
// cookie, and no answer shows it. A request that may do so goes without that cookie.
func TestP5_TypedLinkThatRaises(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Public = gate.Open("/pub?*", "/plain")
		c.Logins = login.Set{Typed: true, Blocks: []login.Block{{
			Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}, Fields: []string{"p"},
			Success: [][]login.Rule{{{Kind: login.Cookie, Name: "sid"}}},
		}}}
	})
	s.serve(withLinks("; HttpOnly"))
	b := s.browser()
	b.get("/plain")
	if got := b.get("/plain"); got.body != "page of " {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	b.get("/pub?n=alice&w=pw-alice")
	if got := b.get("/plain"); strings.Contains(got.body, "alice") {
		t.Errorf("a public page is %s", got.body)
	}
}

// TestP2_BackToThePageOfTheForm: a wrong password leads back to the page that contains the form, which is not the
// form's own address. It leads nobody anywhere else.
func TestP2_BackToThePageOfTheForm(t *testing.T) {
	for location, shown := range map[string]bool{"/welcome?error=1": true, "/login": true, "/static/failed": true, "/app?token=x": false, "/login#token=x": false, "/welcome#token=x": false, "//evil.example/": false} {
		s := newRaising(t, func(c *Config) { c.LoginPage = "/welcome" })
		app := new(raisingApp)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodPost {
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		got := s.browser().do("POST", "/login", asForm, "u=alice&p=guess")
		if at := got.Header.Get("Location"); (at == location) != shown || !shown && at != "/welcome" {
			t.Errorf("%s: %d to %q", location, got.StatusCode, at)
		}
	}
}
