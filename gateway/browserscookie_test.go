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

// openJar is an app that keeps users signed in by a cookie that scripts may read, if they come by /door, and believes
// that cookie first.
func openJar(w http.ResponseWriter, r *http.Request) {
	who := ""
	for _, name := range []string{"door", "sid"} {
		if cookie, err := r.Cookie(name); err == nil {
			who = strings.TrimPrefix(cookie.Value, "of-")
			break
		}
	}
	switch name := r.FormValue("u"); {
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+name && r.URL.Path == "/door":
		w.Header().Set("Set-Cookie", "door=of-"+name+"; Path=/")
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+name:
		w.Header().Set("Set-Cookie", "sid=of-"+name+"; HttpOnly; Path=/")
	case r.URL.Path == "/me":
		fmt.Fprintf(w, `{"name":%q}`, who)
	default:
		fmt.Fprint(w, "secrets of ", who)
	}
}

func newOpenJar(t *testing.T, change func(*Config)) *site {
	t.Helper()
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
		openJar(w, r)
		return nil
	})
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	return s
}

// TestP5_DoorThatSetsAScriptsCookie: a public address signs in by a cookie that scripts may read. The cookie of what
// may have been a sign-in is held, whatever the app says of it. In the browser it would be alice's session, about which
// nobody was asked.
func TestP5_DoorThatSetsAScriptsCookie(t *testing.T) {
	s := newOpenJar(t, func(c *Config) {
		c.Public = append(gate.Open("/pub"), gate.Opening{Paths: match.NewGlobs("/door"), Methods: []string{"POST"}})
	})
	b := s.browser()
	b.do("POST", "/door", asForm, "u=carol&p=guess").wants(t, http.StatusOK, "")
	if got := b.get("/pub"); got.body != "secrets of " {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	if got := b.do("POST", "/door", asForm, alicesForm); len(got.Cookies()) > 1 {
		t.Errorf("the browser gets %v", got.Cookies())
	}
	b.wantsState("pending", "alice")
	if got := b.get("/pub"); strings.Contains(got.body, "alice") {
		t.Errorf("a public page is %s", got.body)
	}
}
