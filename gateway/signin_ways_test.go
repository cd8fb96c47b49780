package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"sallyport.example/sallyport/login"
)

// TestP4_BasicOtherSpellings: the app takes an e-mail address instead of the name. The app says whose it is: alice's
// factor is owed, whatever she is called in the line with her password.
func TestP4_BasicOtherSpellings(t *testing.T) {
	app := new(basicApp)
	s := newBasic(t, app, func(c *Config) {
		c.Logins.Typed = false
		c.Logins.Identities = []login.Identity{{Path: "/me", Method: "GET", Kind: login.JSON, Pointer: "/name"}}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if name, password, _ := r.BasicAuth(); name == "alice@example.com" {
			r.SetBasicAuth("alice", password)
		}
		app.ServeHTTP(w, r)
		return nil
	})
	alice := s.browser()
	alice.send("GET", "/", "", with(basic("alice", "pw-a"))).wants(t, http.StatusOK, "")
	line := with(basic("alice", "pw-a"))
	page := alice.send("GET", "/second-factor/", "", line)
	token := find(t, ownCSRF, page.body)
	header := line.Clone()
	header.Set("Content-Type", formType)
	alice.send("POST", "/second-factor/setup", "csrf_token="+token, header).wants(t, http.StatusSeeOther, "/second-factor/setup")
	setUp := alice.send("GET", "/second-factor/setup", "", line)
	form := "code=" + s.code(find(t, secretKey, setUp.body)) + "&csrf_token=" + find(t, ownCSRF, setUp.body)
	alice.send("POST", "/second-factor/setup/confirm", form, header).wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	for _, name := range []string{"alice", "alice@example.com"} {
		b := s.browser()
		b.send("GET", "/", "", with(basic(name, "pw-a"))).wants(t, http.StatusSeeOther, challengePage)
		b.wantsState("pending", "alice")
	}
}

// TestP5_LoginOvertakenByASignOut: a login's session ends while the app looks at the password, because the same browser
// signs out, or signs in, in another window. The password was right all the same, and begins a session of its own.
func TestP5_LoginOvertakenByASignOut(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	app := new(raisingApp)
	s := newRaising(t, nil)
	s.serve(upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("u") == "bob" {
			arrived <- struct{}{}
			<-release
		}
		app.ServeHTTP(w, r)
	}), func() {}))
	carol := s.carol(t)
	came := background(func() answer {
		return carol.do("POST", "/login", asForm, "u=bob&p=pw-bob")
	})
	<-arrived
	if err := s.gateway.site.Config.Sessions.Destroy(t.Context(), carol.cookies()["sallyport"]); err != nil {
		t.Error(err)
	}
	close(release)
	if got := <-came; got.body != "welcome, bob" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	carol.wantsState("verified", "bob")
}

// TestP3_NothingIsLeftBesideAnError: when an error is returned, nothing of the client's is left in the request,
// whatever the place.
func TestP3_NothingIsLeftBesideAnError(t *testing.T) {
	s := newRaising(t, nil)
	app := new(raisingApp)
	var left *http.Request
	next := func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/away" {
			w.Header().Set("Set-Cookie", "sid=half-way; HttpOnly; Path=/")
			return fmt.Errorf("the app is away")
		}
		app.ServeHTTP(w, r)
		return nil
	}
	s.serve(next)
	carol := s.carol(t)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.gateway.ServeHTTP(w, r, next); err != nil {
			left = r
			body := make([]byte, 1)
			if n, _ := r.Body.Read(body); n > 0 {
				t.Error("the body is left")
			}
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(s.server.Close)
	header := http.Header{
		"Content-Type": {asForm}, "Content-Encoding": {"x"}, "Authorization": {"Bearer x"}, "X-Api-Key": {"x"}, "X-Forwarded-User": {"alice"}, "X-Harmless": {"x"},
		"Accept": {"text/html"}, "Sec-Websocket-Protocol": {"x"},
	}
	if got := carol.send("POST", "/away?token=x&u=alice", "u=alice&p=pw-alice", header); len(got.Cookies()) > 0 {
		t.Errorf("the browser gets %v", got.Cookies())
	}
	if left == nil {
		t.Fatal("no error came")
	}
	for _, name := range []string{"Cookie", "Authorization", "X-Api-Key", "X-Forwarded-User", "X-Second-Factor", "X-Second-Factor-User", "Content-Type", "Content-Encoding", "Content-Length", "Sec-Websocket-Protocol", "Connection", "connection"} {
		if left.Header[name] != nil {
			t.Errorf("%s: %q", name, left.Header[name])
		}
	}
	if left.URL.RawQuery != "" || left.RequestURI != "/away" || left.ContentLength != 0 || left.Header.Get("Accept") != "text/html" {
		t.Errorf("%s %s, %d bytes, %v", left.URL, left.RequestURI, left.ContentLength, left.Header)
	}
}
