package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// read makes the gateway read a request, and checks that the request is left as it came.
func read(t *testing.T, g *Gateway, state gate.State, method, target, body string, header http.Header) Reading {
	t.Helper()
	r := httptest.NewRequest(method, "http://example.com/", strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, "http://example.com/", nil)
	}
	path, query, _ := strings.Cut(target, "?")
	parsed, err := r.URL.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed.RawQuery = query
	r.URL, r.Header = parsed, header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	reading := g.Read(r, state, nil)
	if left, err := io.ReadAll(r.Body); err != nil || string(left) != body {
		t.Errorf("%s %s: the body is %q afterwards: %v", method, target, left, err)
	}
	return reading
}

// TestReadSaysWhy: for each place, Read returns the word and the pattern that decided, as the operator wrote them, and
// what becomes of the request in two states.
func TestReadSaysWhy(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Public = []gate.Opening{
			{Paths: match.NewGlobs("/a.css", "/static/*", "/load.php?*", "/tokens/*")},
			{Methods: []string{http.MethodPost}, Paths: match.NewGlobs("/hooks/*")},
		}
		c.Protect, c.Shut = match.NewGlobs("/x", "/Static/Private/*"), match.NewGlobs("/xmlrpc.php")
		c.Logout = match.NewGlobs("/logout", "/index.php?do=leave")
		c.LoginPage = "/welcome"
		c.Refresh = match.NewGlobs("/tokens/new")
		c.Logins.Blocks[1].Tokens = []login.TokenSource{{Kind: login.JSON, Name: "/token"}}
		c.Logins.Blocks = append(c.Logins.Blocks, login.Block{
			Paths: match.NewGlobs("/nowhere", "/do/*"), Username: login.Source{Kind: login.Form, Name: "user"},
			When: []login.Condition{{Kind: login.Form, Name: "do", Value: "login"}},
		})
	})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	none := gate.Rule{}
	for _, test := range []struct {
		method, target, body string
		place                gate.Place
		rule                 gate.Rule
		stranger, verified   gate.Action
	}{
		{"GET", "/", "", gate.Protected, none, gate.AskLogin, gate.ForwardVerified},
		{"GET", "/x", "", gate.Protected, none, gate.AskLogin, gate.ForwardVerified},
		{"GET", "/second-factor/settings", "", gate.Own, gate.Rule{Word: gate.WordBase, Pattern: "/second-factor"}, gate.ServeOwn, gate.ServeOwn},
		{"GET", "/xmlrpc.php", "", gate.Shut, gate.Rule{Word: gate.WordShut, Pattern: "/xmlrpc.php"}, gate.RefusePlace, gate.RefusePlace},
		{"GET", "/XMLRPC.php/x", "", gate.Shut, gate.Rule{Word: gate.WordShut, Pattern: "/xmlrpc.php"}, gate.RefusePlace, gate.RefusePlace},
		{"GET", "/a.css", "", gate.Public, gate.Rule{Word: gate.WordPublic, Pattern: "/a.css"}, gate.ForwardStranger, gate.ForwardVerified},
		{"GET", "/static/b", "", gate.Public, gate.Rule{Word: gate.WordPublic, Pattern: "/static/*"}, gate.ForwardStranger, gate.ForwardVerified},
		{"GET", "/load.php?m=1", "", gate.Public, gate.Rule{Word: gate.WordPublic, Pattern: "/load.php?*"}, gate.ForwardStranger, gate.ForwardVerified},
		{"POST", "/hooks/a", "b=1", gate.Public, gate.Rule{Word: gate.WordPublic, Pattern: "/hooks/*"}, gate.ForwardSuspect, gate.ForwardVerified},
		{"GET", "/hooks/a", "", gate.Protected, none, gate.AskLogin, gate.ForwardVerified},
		{"GET", "/static/private/c", "", gate.Protected, gate.Rule{Word: gate.WordProtect, Pattern: "/Static/Private/*"}, gate.AskLogin, gate.ForwardVerified},
		{"GET", "/tokens/new", "", gate.Protected, gate.Rule{Word: gate.WordRefresh, Pattern: "/tokens/new"}, gate.AskLogin, gate.ForwardVerified},
		{"GET", "/tokens/old", "", gate.Public, gate.Rule{Word: gate.WordPublic, Pattern: "/tokens/*"}, gate.ForwardStranger, gate.ForwardVerified},
		{"GET", "/logout", "", gate.Logout, gate.Rule{Word: gate.WordLogout, Pattern: "/logout"}, gate.AskLogin, gate.ForwardVerified},
		{"GET", "/index.php?x=1&do=leave", "", gate.Logout, gate.Rule{Word: gate.WordLogout, Pattern: "/index.php?do=leave"}, gate.AskLogin, gate.ForwardVerified},
		{"GET", "/welcome", "", gate.Entry, gate.Rule{Word: gate.WordLoginPage, Pattern: "/welcome"}, gate.ForwardStranger, gate.ForwardVerified},
		{"GET", "/login", "", gate.Entry, gate.Rule{Word: gate.WordLogin, Pattern: "/login", Login: 1}, gate.ForwardStranger, gate.ForwardVerified},
		{"POST", "/login", "username=a&password=b", gate.Login, gate.Rule{Word: gate.WordLogin, Pattern: "/login", Login: 1}, gate.ForwardLogin, gate.ForwardLogin},
		{"POST", "/do/it", "user=a&do=login", gate.Login, gate.Rule{Word: gate.WordLogin, Pattern: "/do/*", Login: 3}, gate.ForwardLogin, gate.ForwardLogin},
		{"POST", "/do/it", "user=a&do=more", gate.Protected, none, gate.AskLogin, gate.ForwardVerified},
		{"TRACE", "/static/b", "", gate.Protected, none, gate.RefuseMethod, gate.RefuseMethod},
	} {
		for state, action := range map[gate.State]gate.Action{gate.Anonymous: test.stranger, gate.Verified: test.verified} {
			got := read(t, s.gateway, state, test.method, test.target, test.body, form)
			if got.Refused != nil || got.Unread || got.Place != test.place || got.Rule != test.rule || got.Action != action ||
				(got.Attempt != nil) != (test.place == gate.Login) {
				t.Errorf("%s %s, %s: %s by %+v, %s, login %v, refused %v; want %s by %+v, %s",
					test.method, test.target, state, got.Place, got.Rule, got.Action, got.Attempt, got.Refused, test.place, test.rule, action)
			}
		}
	}
}

// TestReadSaysWhatIsRefused: Read returns why a request is refused, and which login block refuses it.
func TestReadSaysWhatIsRefused(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	of := func(number int, pattern string) gate.Rule {
		return gate.Rule{Word: gate.WordLogin, Pattern: pattern, Login: number}
	}
	for _, test := range []struct {
		method, target, body string
		status               int
		rule                 gate.Rule
	}{
		{"GET", "/a%00", "", http.StatusBadRequest, gate.Rule{}},
		{"GET", "/a/..;/b", "", http.StatusBadRequest, gate.Rule{}},
		{"GET", "/a", "b", http.StatusBadRequest, gate.Rule{}},
		{"POST", "/login/", "username=a", http.StatusBadRequest, of(1, "/login")},
		{"PUT", "/login", "username=a", http.StatusMethodNotAllowed, of(1, "/login")},
		{"POST", "/login", "password=a", http.StatusBadRequest, of(1, "/login")},
		{"GET", "/API/login?x", "b", http.StatusBadRequest, gate.Rule{}},
		{"DELETE", "/api/LOGIN", "", http.StatusMethodNotAllowed, of(2, "/api/login")},
	} {
		for _, state := range []gate.State{gate.Anonymous, gate.Pending, gate.Verified} {
			got := read(t, s.gateway, state, test.method, test.target, test.body, form)
			if got.Refused == nil || got.Refused.Status != test.status || got.Rule != test.rule {
				t.Errorf("%s %s, %s: by %+v, refused %v; want %d by %+v",
					test.method, test.target, state, got.Rule, got.Refused, test.status, test.rule)
			}
		}
	}
}

// TestReadIsWhatIsServed: Read says of a request what ServeHTTP then does, and changes nothing about it.
func TestReadIsWhatIsServed(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	for target, want := range map[string]int{
		"/": http.StatusSeeOther, "/static/x": http.StatusNotFound, "/login": http.StatusOK, "/second-factor/status": http.StatusOK,
	} {
		for range 2 {
			r, w := browserRequest(), httptest.NewRecorder()
			r.URL.Path = target
			before := s.gateway.Read(r, gate.Anonymous, nil)
			forwarded := false
			err := s.gateway.ServeHTTP(w, r, func(w http.ResponseWriter, _ *http.Request) error {
				forwarded = true
				w.WriteHeader(want)
				return nil
			})
			if err != nil || w.Code != want {
				t.Errorf("%s: %d, %v", target, w.Code, err)
			}
			if forwarded != (before.Action == gate.ForwardStranger) {
				t.Errorf("%s: read as %s, and went to the app: %t", target, before.Action, forwarded)
			}
		}
	}
}
