package gateway

import (
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

// remembering is an app with two cookies: it takes the user of `sid`, and without a `sid` the user of `remember`. Both
// cookies count as signed: nobody can make one up. By /door a client gets only the second.
type remembering struct {
	// path and age are those of sid.
	path, age string
}

func (a *remembering) who(r *http.Request) string {
	for _, name := range []string{"sid", "remember"} {
		if cookie, err := r.Cookie(name); err == nil {
			return strings.TrimPrefix(cookie.Value, "of-")
		}
	}
	return ""
}

func (a *remembering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("u")
	right := r.Method == http.MethodPost && r.FormValue("p") == "pw-"+name
	switch {
	case r.URL.Path == "/login" && right:
		w.Header().Add("Set-Cookie", "sid=of-"+name+"; HttpOnly; Path="+a.path+a.age)
	case r.URL.Path == "/door" && right:
		w.Header().Add("Set-Cookie", "remember=of-"+name+"; HttpOnly; Path=/")
	case r.URL.Path == "/me":
		fmt.Fprintf(w, `{"name":%q}`, a.who(r))
	default:
		fmt.Fprint(w, "secrets of ", a.who(r))
	}
}

func newRemembering(t *testing.T, app *remembering, change func(*Config)) *site {
	t.Helper()
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		}
		c.Renews = true
		c.Public = []gate.Opening{{Paths: match.NewGlobs("/door"), Methods: []string{"POST"}}}
		if change != nil {
			change(c)
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice")
	alice.enrol()
	return s
}

// TestP5_UncoveredByTime: the app takes a session's user before a remembered one. Carol, signed in, made it remember
// alice, and the app still named carol. Then carol's cookie expired in custody, which no answer shows, and what came
// was alice's, until the next recheck.
func TestP5_UncoveredByTime(t *testing.T) {
	s := newRemembering(t, &remembering{path: "/", age: "; Max-Age=30"}, nil)
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	carol.do("POST", "/door", asForm, "u=alice&p=pw-alice")
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	s.clock.Advance(31 * time.Second)
	carol.get("/x").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	carol.wantsState("pending", "alice")
}

// TestP5_UncoveredByPath: the session's cookie is for a part of the site, and the other one is for all of it. The
// question carried both, and a request elsewhere carried only the one that is alice's.
func TestP5_UncoveredByPath(t *testing.T) {
	s := newRemembering(t, &remembering{path: "/app"}, nil)
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	if got := carol.get("/app/x"); got.body != "secrets of carol" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	if got := carol.do("POST", "/door", asForm, "u=carol&p=pw-carol"); got.StatusCode != http.StatusOK {
		t.Fatalf("her own: %d %s", got.StatusCode, got.body)
	}
	carol.do("POST", "/door", asForm, "u=alice&p=pw-alice")
	if got := carol.get("/x"); strings.Contains(got.body, "of alice") {
		t.Errorf("carol reads %s", got.body)
	}
}

// TestP5_UncoveredWhereNobodyIsSaid is the same when the app refuses at that moment to say whose a part is. It was
// taken for nobody's.
func TestP5_UncoveredWhereNobodyIsSaid(t *testing.T) {
	app := &remembering{path: "/app"}
	s := newRemembering(t, app, nil)
	refuses := false
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := r.Cookie("sid"); err != nil && len(r.Cookies()) > 0 && r.URL.Path == "/me" && refuses {
			w.WriteHeader(http.StatusForbidden)
			return nil
		}
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	if got := carol.do("POST", "/door", asForm, "u=carol&p=pw-carol"); got.StatusCode != http.StatusOK {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	refuses = true
	carol.do("POST", "/door", asForm, "u=alice&p=pw-alice").wants(t, http.StatusBadGateway, "")
	refuses = false
	if got := carol.get("/x"); strings.Contains(got.body, "of alice") {
		t.Errorf("carol reads %s", got.body)
	}
}
