package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// twoDoors is an app that keeps staff and customers apart in one session, each signed in by an address and a cookie of
// their own.
func twoDoors(w http.ResponseWriter, r *http.Request) {
	kind := map[bool]string{true: "staff", false: "customer"}[strings.HasPrefix(r.URL.Path, "/staff")]
	cookie, _ := r.Cookie(kind)
	switch name := r.FormValue("u"); {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/login"):
		if r.FormValue("p") == "pw-"+name {
			w.Header().Set("Set-Cookie", kind+"="+name+"; HttpOnly; Path=/")
		}
	case strings.HasSuffix(r.URL.Path, "/me") && cookie != nil:
		fmt.Fprintf(w, `{"name":%q}`, cookie.Value)
	case strings.HasSuffix(r.URL.Path, "/me"):
		fmt.Fprint(w, `{}`)
	case cookie != nil:
		fmt.Fprint(w, "secrets of ", cookie.Value)
	}
}

// TestP5_TwoKindsInOneSession: carol, a customer, signs in as alice of the staff within her session. Asked about
// customers, the app named carol, and the staff's pages were alice's.
func TestP5_TwoKindsInOneSession(t *testing.T) {
	kinds := []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}, {Path: "/staff/me", Kind: login.JSON, Pointer: "/name"}}
	for range kinds {
		slices.Reverse(kinds)
		twoKinds(t, slices.Clone(kinds))
	}
}

func twoKinds(t *testing.T, kinds []login.Identity) {
	t.Helper()
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login", "/staff/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: kinds,
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/staff/door" && r.Method == http.MethodPost {
			r.URL.Path = "/staff/login" // no login describes this address
		}
		twoDoors(w, r)
		return nil
	})
	alice := s.browser()
	alice.do("POST", "/staff/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	if got := alice.get("/staff/x"); got.body != "secrets of alice" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	carol.do("POST", "/staff/door", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	if got := carol.get("/staff/x"); got.body != "secrets of carol" {
		t.Fatalf("her own account of the other kind: %d %s", got.StatusCode, got.body)
	}
	carol.do("POST", "/staff/door", asForm, "u=alice&p=pw-alice")
	if got := carol.get("/staff/x"); strings.Contains(got.body, "alice") {
		t.Errorf("carol reads %s", got.body)
	}
	carol.wantsState("anonymous", "")
}

// TestP1_GuestsNameUnsaid: the app cannot say what it calls strangers when it is asked. Until it has said so, no name
// is believed, because the name that it gives a moment later may be a guest's.
func TestP1_GuestsNameUnsaid(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Logins = login.Set{
				Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
				Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
			}
		})
		asked := 0
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			switch cookie, _ := r.Cookie("customer"); {
			case r.URL.Path == "/me" && cookie == nil:
				if asked++; asked == 1 {
					w.WriteHeader(status)
				}
				fmt.Fprint(w, `{"name":"anonymous"}`)
			case r.Method == http.MethodPost && r.FormValue("p") != "pw-"+r.FormValue("u"):
				w.Header().Set("Set-Cookie", "visit=1; HttpOnly; Path=/")
				w.WriteHeader(http.StatusForbidden)
			default:
				twoDoors(w, r)
			}
			return nil
		})
		b := s.browser()
		for range 2 {
			b.do("POST", "/login", asForm, "u=alice&p=guess")
			b.wantsState("anonymous", "")
		}
		b.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		b.wantsState("verified", "alice")
	}
}

// TestP1_LedElsewhereThanStrangers: the app leads strangers to the login page, and a user who has to change her
// password to another page. The second does not mean "nobody". It was taken for that, so alice's page was shown and her
// session stayed with the stranger.
func TestP1_LedElsewhereThanStrangers(t *testing.T) {
	app := new(raisingApp)
	s := newRaising(t, func(c *Config) {
		c.Public = append(gate.Open("/pub"), gate.Opening{Paths: match.NewGlobs("/other"), Methods: []string{"POST"}})
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.mutex.Lock()
		who := app.users[sid(r)]
		app.mutex.Unlock()
		if r.URL.Path == "/me" && who != "carol" {
			w.Header().Set("Location", map[bool]string{true: "/signed-out", false: "/change-password"}[who == ""])
			w.WriteHeader(http.StatusFound)
			return nil
		}
		app.ServeHTTP(w, r)
		return nil
	})
	b := s.browser()
	b.get("/login")
	if got := b.do("POST", "/other", asForm, "u=alice&p=guess"); got.StatusCode != http.StatusForbidden {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	for _, path := range []string{"/other", "/login"} {
		if got := b.do("POST", path, asForm, alicesForm); strings.Contains(got.body, "alice") {
			t.Errorf("%s shows %d %s", path, got.StatusCode, got.body)
		}
		if got := b.get("/pub"); strings.Contains(got.body, "alice") {
			t.Errorf("behind %s, a public page is %s", path, got.body)
		}
	}
	carol := s.browser()
	if got := carol.do("POST", "/login", asForm, "u=carol&p=pw-carol"); got.body != "welcome, carol" {
		t.Errorf("carol: %d %s", got.StatusCode, got.body)
	}
}

// TestP5_UncoveredInTheMiddle: of the parts of three cookies for different paths, one in the middle is alice's, and the
// last that was asked about is carol's own.
func TestP5_UncoveredInTheMiddle(t *testing.T) {
	app := &remembering{path: "/app"}
	s := newRemembering(t, app, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/login" && r.Method == http.MethodGet {
			w.Header().Set("Set-Cookie", "seen=1; HttpOnly; Path=/other")
			return nil
		}
		app.ServeHTTP(w, r)
		return nil
	})
	s.doorIsNoWayIn(t)
}

// doorIsNoWayIn makes carol sign in and go through an undescribed address as herself, which is the control, and then as
// alice.
func (s *site) doorIsNoWayIn(t *testing.T) {
	t.Helper()
	carol := s.browser()
	carol.get("/login")
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	if got := carol.do("POST", "/door", asForm, "u=carol&p=pw-carol"); got.StatusCode != http.StatusOK {
		t.Fatalf("her own: %d %s", got.StatusCode, got.body)
	}
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	carol.do("POST", "/door", asForm, "u=alice&p=pw-alice")
	if got := carol.get("/x"); strings.Contains(got.body, "of alice") {
		t.Errorf("carol reads %s", got.body)
	}
}

// TestP5_TooManyParts: an app's cookies are for more paths than can be asked about. Then the app is asked about none of
// them, and nobody signs in.
func TestP5_TooManyParts(t *testing.T) {
	for count, want := range map[int]int{7: http.StatusOK, 8: http.StatusBadGateway} {
		s := newRemembering(t, &remembering{path: "/"}, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/login" && r.Method == http.MethodPost {
				for i := range count {
					w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=x; HttpOnly; Path=/%d", i, i))
				}
			}
			(&remembering{path: "/all"}).ServeHTTP(w, r)
			return nil
		})
		if got := s.browser().do("POST", "/login", asForm, "u=carol&p=pw-carol"); got.StatusCode != want {
			t.Errorf("%d paths and one: %d", count, got.StatusCode)
		}
	}
}
