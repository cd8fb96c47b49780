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
	// shy: at /me, the second cookie alone names nobody.
	shy bool
}

func (a *remembering) who(r *http.Request) string {
	for _, name := range []string{"sid", "remember"} {
		if cookie, err := r.Cookie(name); err == nil && !(a.shy && name == "remember" && r.URL.Path == "/me") {
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

// TestP5_HiddenCookie: the app takes a session's user before a remembered one. Carol, signed in, makes it remember
// alice, and the app, asked about both cookies, names carol. When it had ended carol's session by itself, her requests
// were alice's until the next recheck. The app is asked about the new cookie alone, too. The control: it may remember
// carol.
func TestP5_HiddenCookie(t *testing.T) {
	for _, who := range []string{"carol", "alice"} {
		over := false
		app := &remembering{path: "/"}
		s := newRemembering(t, app, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if over {
				line := r.Header.Get("Cookie")
				r.Header.Set("Cookie", strings.TrimPrefix(strings.Replace(line, "sid=of-carol", "", 1), "; "))
			}
			app.ServeHTTP(w, r)
			return nil
		})
		carol := s.browser()
		carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
		carol.do("POST", "/door", asForm, "u="+who+"&p=pw-"+who)
		over = true
		got := carol.get("/x")
		if strings.Contains(got.body, "of alice") || (who == "carol") != (got.body == "secrets of carol") {
			t.Errorf("remembering %s, carol reads %d %s", who, got.StatusCode, got.body)
		}
		if who == "alice" {
			carol.wantsState("anonymous", "")
		}
	}
}

// TestP5_HiddenBelowALogin: a stranger has a cookie by which the app remembers alice, and of which it knew nothing when
// it was asked. Then carol signs in with the same browser, and the app, asked about both cookies, names carol. The app
// is asked about the older cookie alone, too. The control: it may remember carol.
func TestP5_HiddenBelowALogin(t *testing.T) {
	for _, who := range []string{"carol", "alice"} {
		app := &remembering{path: "/", age: "; Max-Age=30", shy: true}
		s := newRemembering(t, app, nil)
		carol := s.browser()
		carol.do("POST", "/door", asForm, "u="+who+"&p=pw-"+who).wants(t, http.StatusOK, "")
		carol.wantsState("anonymous", "")
		app.shy = false
		got := carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
		if (who == "carol") != (got.StatusCode == http.StatusOK) {
			t.Errorf("remembering %s, carol signs in: %d %s", who, got.StatusCode, got.body)
		}
		s.clock.Advance(31 * time.Second)
		if got := carol.get("/x"); strings.Contains(got.body, "of alice") || who == "carol" && got.body != "secrets of carol" {
			t.Errorf("remembering %s, carol reads %d %s", who, got.StatusCode, got.body)
		}
	}
}

// TestP5_UncoveredByTime: as TestP5_HiddenCookie, in an app that does not name alice by her cookie alone at that
// moment. Then carol's cookie expired in custody, which no answer shows, and what came was alice's, until the next
// recheck.
func TestP5_UncoveredByTime(t *testing.T) {
	app := &remembering{path: "/", age: "; Max-Age=30", shy: true}
	s := newRemembering(t, app, nil)
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	carol.do("POST", "/door", asForm, "u=alice&p=pw-alice")
	app.shy = false
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
