package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP5_AnswerToTheQuestionDoesNotFit: the app's answer to the question sets more than custody holds. The app was not
// asked about the cookies that did not fit, so nobody signs in with the remaining ones.
func TestP5_AnswerToTheQuestionDoesNotFit(t *testing.T) {
	for _, size := range []int{100, custody.MaxSize} {
		app := new(raisingApp)
		s := newRaising(t, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/me" {
				w.Header().Set("Set-Cookie", "tick="+strings.Repeat("x", size)+"; HttpOnly; Path=/")
			}
			app.ServeHTTP(w, r)
			return nil
		})
		b := s.browser()
		got := b.do("POST", "/login", asForm, "u=carol&p=pw-carol")
		if fits := size < custody.MaxSize; fits != (got.StatusCode == http.StatusOK) {
			t.Errorf("%d bytes: %d", size, got.StatusCode)
		} else if fits {
			b.wantsState("verified", "carol")
		} else {
			b.wantsState("anonymous", "")
		}
	}
}

// TestP4_CookieBesideATokenUnclear: a cookie came beside alice's token. The app does not say whose the cookie is, and
// names alice because of the token. That does not answer whose the cookie is: it was kept, and a request without the
// token was bob's. Now it is thrown away. A cookie by which the app knows nobody does no harm.
func TestP4_CookieBesideATokenUnclear(t *testing.T) {
	app := new(wayward)
	s := newWayward(t, app, nil)
	s.enrolledByToken("bob")
	unclear := false
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		_, err := r.Cookie("sid")
		switch bears := r.Header.Get("Authorization") != ""; {
		case r.URL.Path == "/me" && !bears && err == nil && unclear:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/nobodys":
			w.Header().Set("Set-Cookie", "csrf=1; Path=/; HttpOnly")
			fmt.Fprint(w, "for everybody")
		default:
			app.ServeHTTP(w, r)
		}
		return nil
	})
	b := s.browser()
	hers := tokenIn(t, b.tokenLogin("alice").body)
	if got := b.send("GET", "/nobodys", "", bearer(hers)); got.body != "for everybody" {
		t.Errorf("the control: %d %s", got.StatusCode, got.body)
	}
	b.wantsState("verified", "alice")
	unclear = true
	if got := b.send("GET", "/side?as=bob", "", bearer(hers)); got.StatusCode != http.StatusBadGateway || strings.Contains(got.body, "welcome") {
		t.Errorf("bob's cookie: %d %s", got.StatusCode, got.body)
	}
	unclear = false
	if got := b.send("GET", "/x", "", asScript); strings.Contains(got.body, "secrets of bob") {
		t.Errorf("alice reads %s", got.body)
	}
	b.wantsState("verified", "alice")
}

// TestP5_TokenRanOutBesideACookie: a session has a token that has expired, and a cookie. It must not go on because of
// the token's expiry, since the app knows by the cookie whether the session has ended.
func TestP5_TokenRanOutBesideACookie(t *testing.T) {
	for _, cookie := range []bool{false, true} {
		app := new(wayward)
		s := newWayward(t, app, nil)
		b := s.browser()
		hers := tokenIn(t, b.tokenLogin("alice").body)
		if cookie {
			if got := b.send("GET", "/side?as=alice", "", bearer(hers)); got.body != "welcome, alice" {
				t.Fatalf("her cookie: %d %s", got.StatusCode, got.body)
			}
		}
		over := false
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/me" && over {
				w.WriteHeader(http.StatusUnauthorized)
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		over = true
		s.clock.Advance(2 * s.gateway.site.Config.Recheck)
		b.send("GET", "/x", "", bearer(hers))
		if cookie {
			b.wantsState("anonymous", "")
		} else {
			b.wantsState("verified", "alice")
		}
	}
}

// TestP7_NamesThatBeginAsOthers: a name is refused if it begins with the prefix of another kind of account. A name that
// does not is no other user's, however long it is. If the app gives the same name to strangers, it is a guest's.
func TestP7_NamesThatBeginAsOthers(t *testing.T) {
	name := "carola"
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks: []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{
				{Path: "/me", Kind: login.JSON, Pointer: "/name", Guests: []string{"visitor"}}, {Path: "/staff", Kind: login.JSON, Pointer: "/name", Prefix: "st:"},
			},
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		cookie, err := r.Cookie("sid")
		switch {
		case r.Method == http.MethodPost:
			w.Header().Set("Set-Cookie", "sid="+name+"; HttpOnly; Path=/")
		case r.URL.Path == "/me" && err == nil:
			fmt.Fprintf(w, `{"name":%q}`, cookie.Value)
		default:
			fmt.Fprint(w, `{}`)
		}
		return nil
	})
	b := s.browser()
	b.do("POST", "/login", asForm, "u=x").wants(t, http.StatusOK, "")
	b.wantsState("verified", "carola")
	name = "st:carol"
	forger := s.browser()
	if got := forger.do("POST", "/login", asForm, "u=x"); got.StatusCode != http.StatusBadGateway {
		t.Errorf("%s: %d", name, got.StatusCode)
	}
	// The app gives this name to a session in which nobody is signed in, and no name to a client without any session.
	name = "visitor"
	visitor := s.browser()
	visitor.do("POST", "/login", asForm, "u=x")
	visitor.wantsState("anonymous", "")
}

// TestP5_AnotherUsersCookieInTheBrowser: the operator lets the browser keep a cookie by which the app remembers users,
// and the app believes it before the session's own user. A user who signed in as carol in a browser with alice's cookie
// was carol to the gateway, and alice to the app.
func TestP5_AnotherUsersCookieInTheBrowser(t *testing.T) {
	for _, other := range []string{"carol", "alice"} {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Pass = match.NewGlobs("remember")
			c.Logins = login.Set{
				Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
				Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
			}
		})
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			who := ""
			for _, name := range []string{"remember", "sid"} {
				if cookie, err := r.Cookie(name); err == nil {
					who = strings.TrimPrefix(cookie.Value, "of-")
					break
				}
			}
			switch {
			case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+r.FormValue("u"):
				w.Header().Set("Set-Cookie", "sid=of-"+r.FormValue("u")+"; HttpOnly; Path=/")
			case r.URL.Path == "/me":
				fmt.Fprintf(w, `{"name":%q}`, who)
			default:
				fmt.Fprint(w, "secrets of ", who)
			}
			return nil
		})
		b := s.browser()
		b.plant("remember", "of-"+other)
		got := b.do("POST", "/login", asForm, "u=carol&p=pw-carol")
		if other == "carol" {
			got.wants(t, http.StatusOK, "")
			b.wantsState("verified", "carol")
			continue
		}
		if got.StatusCode != http.StatusBadGateway {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
		b.wantsState("anonymous", "")
		if got := b.get("/x"); strings.Contains(got.body, "alice") {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
	}
}

// TestP5_SessionThatTheBrowserKeeps: the operator lets the browser keep the very cookie that is the app's session.
// Nothing of that login is in custody, so the login is refused, and the log names the setting. Without the setting the
// cookie is held.
func TestP5_SessionThatTheBrowserKeeps(t *testing.T) {
	for _, pass := range []match.Globs{nil, match.NewGlobs("sid")} {
		app := new(raisingApp)
		s := newRaising(t, func(c *Config) { c.Pass = pass })
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			app.ServeHTTP(w, r)
			return nil
		})
		b := s.browser()
		got := b.do("POST", "/login", asForm, "u=carol&p=pw-carol")
		if pass == nil {
			got.wants(t, http.StatusOK, "")
			b.wantsState("verified", "carol")
			continue
		}
		if got.StatusCode != http.StatusBadGateway || !strings.Contains(s.logged.String(), "setting=hold") {
			t.Errorf("%d %s", got.StatusCode, s.logged)
		}
		b.wantsState("anonymous", "")
	}
}

// TestP4_TypedLoginInTheSitesLanguage: if the app cannot be asked, the words of its answer are in the language that the
// operator names, and not in one that the client chose. If the operator names none, no language is asked for.
func TestP4_TypedLoginInTheSitesLanguage(t *testing.T) {
	for _, language := range []string{"", "de"} {
		s := newSite(t, demo.Knobs{NoFormToken: true, Record: 100}, func(c *Config) {
			typedOnly(c)
			c.Language = language
		})
		s.browser().send("POST", "/login", "username=alice&password="+demo.AlicePassword, says(formType, "Accept-Language", "fr"))
		for _, received := range s.app.Received() {
			if got := received.Header.Get("Accept-Language"); got != language {
				t.Errorf("%q: %s %s goes out with %q", language, received.Method, received.URI, got)
			}
		}
	}
}
