package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// exitApp signs users out by what a body says, without a sign: it deletes no cookie, and still knows the user.
func exitApp(s *site, deletes string) {
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		switch r.URL.Path {
		case "/login":
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "alice", Path: "/", HttpOnly: true})
			http.SetCookie(w, &http.Cookie{Name: "extra", Value: "1", Path: "/", HttpOnly: true})
			w.Header().Set("X-In", "1")
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
			return nil
		case "/api/me":
			if cookie, err := r.Cookie("sid"); err == nil {
				w.Header().Set("Content-Type", "application/json")
				_, err := fmt.Fprintf(w, `{"login":%q}`, cookie.Value)
				return err
			}
			w.WriteHeader(http.StatusUnauthorized)
			return nil
		case "/bye":
			for name := range strings.FieldsSeq(deletes) {
				w.Header().Add("Set-Cookie", name+"=; Path=/; Max-Age=0; HttpOnly")
			}
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		}
		body, _ := io.ReadAll(r.Body)
		_, err := io.WriteString(w, "secret "+string(body))
		return err
	})
}

// TestLogoutWithoutAddress: an app signs out by a method of JSON-RPC, or by a field of a form. The gateway's session
// lived on until the app was asked again; now it ends with the answer. No other request ends it, and a request of
// another site's page does not if the app did not obey it.
func TestLogoutWithoutAddress(t *testing.T) {
	for name, test := range map[string]struct {
		path, kind, body string
		header           http.Header
		ends             bool
	}{
		"JSON-RPC":       {"/jsonrpc", "application/json", `{"method":"session.logout"}`, nil, true},
		"form":           {"/index.php", "application/x-www-form-urlencoded", "action=logout", nil, true},
		"another method": {"/jsonrpc", "application/json", `{"method":"session.get"}`, nil, false},
		"another place":  {"/rpc", "application/json", `{"method":"session.logout"}`, nil, false},
		"an error":       {"/broken", "application/json", `{"method":"session.logout"}`, nil, false},
		"another site's": {"/jsonrpc", "application/json", `{"method":"session.logout"}`, http.Header{"Sec-Fetch-Site": {"cross-site"}}, false},
	} {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Renews = true
			for _, path := range []match.Glob{"/jsonrpc", "/broken"} {
				c.Logins.Exits = append(c.Logins.Exits, login.Exit{Path: path, Field: login.Condition{Kind: login.JSON, Name: "/method", Value: "session.logout"}})
			}
			c.Logins.Exits = append(c.Logins.Exits, login.Exit{Path: "/index.php", Field: login.Condition{Kind: login.Form, Name: "action", Value: "logout"}})
		})
		exitApp(s, "")
		b := s.browser()
		b.post("/login", url.Values{"username": {"alice"}, "password": {"x"}}).wants(t, http.StatusFound, "/")
		request, err := http.NewRequestWithContext(t.Context(), "POST", s.server.URL+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Content-Type": {test.kind}, "Accept": {"*/*"}}
		for name, values := range test.header {
			request.Header[name] = values
		}
		response, err := b.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		read, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if string(read) != "secret "+test.body {
			t.Errorf("%s: the answer is %d %.200q", name, response.StatusCode, read)
		}
		if over := b.get("/").StatusCode == http.StatusSeeOther; over != test.ends {
			t.Errorf("%s: the session is over: %t", name, over)
		}
	}
}

// TestLogoutByCookie: an app that cannot be asked signs out by deleting the cookie that its login set, and leaves
// another one. The session lived on with the other one.
func TestLogoutByCookie(t *testing.T) {
	for _, test := range []struct {
		success login.Rule
		deletes string
		ends    bool
	}{
		{login.Rule{Kind: login.Cookie, Name: "sid"}, "sid", true},
		{login.Rule{Kind: login.Cookie, Name: "sid"}, "extra", false},
		{login.Rule{Kind: login.Cookie, Name: "sid"}, "unknown", false},
		{login.Rule{Kind: login.Header, Name: "X-In", AnyValue: true}, "extra", true},
		{login.Rule{Kind: login.Header, Name: "X-In", AnyValue: true}, "", false},
	} {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Logout = nil
			c.Logins = login.Set{Typed: true, Blocks: []login.Block{{
				Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"},
				Fields: []string{"password"}, Success: [][]login.Rule{{test.success}},
			}}}
		})
		exitApp(s, test.deletes)
		b := s.browser()
		b.post("/login", url.Values{"username": {"alice"}, "password": {"x"}}).wants(t, http.StatusFound, "/")
		b.get("/bye")
		if over := b.get("/").StatusCode == http.StatusSeeOther; over != test.ends {
			t.Errorf("%v deletes %q: the session is over: %t", test.success, test.deletes, over)
		}
	}
}
