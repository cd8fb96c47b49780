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

// twoRolls is an app with two cookies, each of which it changes at one address of its own and nowhere else. It knows
// users by both together.
type twoRolls struct {
	current map[string]string // the value that counts, by the cookie's name
	count   int
	unclear bool // the second address refuses to answer, once
}

func (a *twoRolls) roll(w http.ResponseWriter, name string) {
	a.count++
	a.current[name] = fmt.Sprint("v", a.count)
	w.Header().Add("Set-Cookie", name+"="+a.current[name]+"; HttpOnly; Path=/")
}

func (a *twoRolls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := "carol"
	for _, name := range []string{"a", "b"} {
		if cookie, err := r.Cookie(name); err != nil || cookie.Value != a.current[name] {
			who = ""
		}
	}
	switch {
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-carol":
		a.roll(w, "a")
		a.roll(w, "b")
	case r.URL.Path == "/me":
		if who != "" {
			a.roll(w, "a")
		}
		fmt.Fprintf(w, `{"name":%q}`, who)
	case r.URL.Path == "/staff/me":
		if who != "" {
			a.roll(w, "b")
		}
		if who != "" && a.unclear {
			a.unclear = false
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, `{}`) // the user is not on the staff
	default:
		fmt.Fprint(w, "secrets of ", who)
	}
}

// TestP4_CookiesOfEachAnswer: each of several identity addresses sets something, even if it names nobody or gives no
// usable answer. Everything that they set belongs to the session.
func TestP4_CookiesOfEachAnswer(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}, {Path: "/staff/me", Kind: login.JSON, Pointer: "/name"}},
		}
	})
	app := &twoRolls{current: make(map[string]string)}
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	b := s.browser()
	b.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	for i := range 4 {
		if got := b.get("/x"); got.body != "secrets of carol" {
			t.Fatalf("request %d: %d %s", i+1, got.StatusCode, got.body)
		}
		s.clock.Advance(2 * s.gateway.site.Config.Recheck)
		if i == 1 {
			app.unclear = true
			if got := b.get("/x"); got.StatusCode != http.StatusBadGateway {
				t.Fatalf("unclear: %d %s", got.StatusCode, got.body)
			}
		}
	}
	b.wantsState("verified", "carol")
}

// TestP5_UncoveredBehindAnother: requests to different paths carry different parts of the jar. The first part is
// carol's own, and the second is alice's.
func TestP5_UncoveredBehindAnother(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Renews = true
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		who := ""
		for _, name := range []string{"sid", "other", "keep"} {
			if cookie, err := r.Cookie(name); err == nil {
				who = strings.TrimPrefix(cookie.Value, "of-")
				break
			}
		}
		name := r.FormValue("u")
		right := r.Method == http.MethodPost && r.FormValue("p") == "pw-"+name
		switch {
		case right && r.URL.Path == "/login":
			w.Header().Add("Set-Cookie", "sid=of-"+name+"; HttpOnly; Path=/app")
			w.Header().Add("Set-Cookie", "keep=of-"+name+"; HttpOnly; Path=/")
		case right:
			w.Header().Add("Set-Cookie", "other=of-"+name+"; HttpOnly; Path=/other")
		case r.URL.Path == "/me":
			fmt.Fprintf(w, `{"name":%q}`, who)
		default:
			fmt.Fprint(w, "secrets of ", who)
		}
		return nil
	})
	for _, who := range []string{"carol", "alice"} {
		carol := s.browser()
		carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
		carol.do("POST", "/door", asForm, "u="+who+"&p=pw-"+who)
		got := carol.get("/other/x")
		if strings.Contains(got.body, "alice") || who == "carol" && got.body != "secrets of carol" {
			t.Errorf("%s: %d %s", who, got.StatusCode, got.body)
		}
	}
}

// TestP5_UncoveredByADeletion: the app ends carol's cookie in an answer to her own request. The cookie that it covered
// is alice's, and nobody has asked about that one.
func TestP5_UncoveredByADeletion(t *testing.T) {
	for _, who := range []string{"carol", "alice"} {
		app := &remembering{path: "/", shy: true}
		s := newRemembering(t, app, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/drop" {
				app.shy = false
				w.Header().Set("Set-Cookie", "sid=; HttpOnly; Path=/; Max-Age=0")
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		carol := s.browser()
		carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
		carol.do("POST", "/door", asForm, "u="+who+"&p=pw-"+who)
		if got := carol.get("/x"); got.body != "secrets of carol" {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		carol.get("/drop")
		if got := carol.get("/x"); strings.Contains(got.body, "alice") || who == "carol" && got.body != "secrets of carol" {
			t.Errorf("%s: carol reads %d %s", who, got.StatusCode, got.body)
		}
		if who == "alice" {
			carol.wantsState("pending", "alice")
		}
	}
}

// TestFrontKeepsTheAppsCookies: what the app sets behind a front handler is held and comes back to the app, although
// nobody asks whose it is.
func TestFrontKeepsTheAppsCookies(t *testing.T) {
	app, came := new(fronted), ""
	s := newFront(t, app, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		came = r.Header.Get("Cookie")
		app.ServeHTTP(w, r)
		return nil
	})
	b := s.browser()
	for _, want := range []string{"", "app=1", "app=2"} {
		got := b.send("GET", "/page", "", by("carol"))
		if got.StatusCode != http.StatusOK || got.body != "secrets for carol" || came != want {
			t.Errorf("%d %s, and the app gets %q, want %q", got.StatusCode, got.body, came, want)
		}
		for _, cookie := range got.Cookies() {
			if cookie.Name == "app" {
				t.Error("the browser gets it")
			}
		}
	}
}

// TestTypedKeepsWhatRotates: if the app cannot be asked, a held cookie that it changes in normal use is kept with its
// new value, and the page goes out.
func TestTypedKeepsWhatRotates(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Rotates = match.NewGlobs("tick")
		c.Logins = login.Set{Typed: true, Blocks: []login.Block{{
			Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}, Fields: []string{"p"},
			Success: [][]login.Rule{{{Kind: login.Cookie, Name: "sid"}}},
		}}}
	})
	count := 0
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost {
			w.Header().Add("Set-Cookie", "sid="+r.FormValue("u")+"; HttpOnly; Path=/")
			w.Header().Add("Set-Cookie", "tick=0; HttpOnly; Path=/")
			return nil
		}
		if cookie, _ := r.Cookie("tick"); cookie == nil || cookie.Value != fmt.Sprint(count) {
			fmt.Fprint(w, "who are you?")
			return nil
		}
		if lang, err := r.Cookie("lang"); count > 0 && (err != nil || lang.Value != "de") {
			t.Errorf("what the app gave the browser does not come back: %v", r.Header["Cookie"])
		}
		count++
		w.Header().Add("Set-Cookie", "lang=de; Path=/")
		w.Header().Add("Set-Cookie", fmt.Sprintf("tick=%d; HttpOnly; Path=/", count))
		fmt.Fprint(w, "page ", count)
		return nil
	})
	b := s.browser()
	b.do("POST", "/login", asForm, "u=carol&p=x").wants(t, http.StatusOK, "")
	for i := range 3 {
		if got := b.get("/x"); got.body != fmt.Sprint("page ", i+1) {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
	}
	b.wantsState("verified", "carol")
}

// TestP4_TypedLinkAtAPublicPath: the app cannot be asked, and at a public address it takes a name and a password by
// fields that no login block describes. The page goes out, because it is public. What it sets is not kept, because the
// next page would be alice's.
func TestP4_TypedLinkAtAPublicPath(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Public = gate.Open("/pub?*", "/plain")
		c.Logins = login.Set{Typed: true, Blocks: []login.Block{{
			Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}, Fields: []string{"p"},
			Success: [][]login.Rule{{{Kind: login.Cookie, Name: "sid"}}},
		}}}
	})
	app := func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("n") != "" && q.Get("w") == "pw-"+q.Get("n") {
			w.Header().Set("Set-Cookie", "sid="+q.Get("n")+"; HttpOnly; Path=/")
			fmt.Fprint(w, "hello")
			return
		}
		fmt.Fprint(w, "page of ", sid(r))
	}
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app(w, r)
		return nil
	})
	b := s.browser()
	if got := b.get("/pub?a=1"); got.body != "page of " {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	if got := b.get("/pub?n=alice&w=pw-alice"); got.body != "hello" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	for _, path := range []string{"/plain", "/pub?a=1", "/pub"} {
		if got := b.get(path); got.body != "page of " {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
}
