package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP5_SessionChosenByAHeader: an app keeps two sessions of a browser apart by a header that says how the request
// came in, each with a cookie of its own. In carol's verified session alice's password is posted with that header. The
// question went without the header, the app named carol, and alice's cookie came into custody.
func TestP5_SessionChosenByAHeader(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		}
	})
	app := func(w http.ResponseWriter, r *http.Request) {
		name := "sid" + r.Header.Get("X-Line-In")
		user := ""
		if cookie, err := r.Cookie(name); err == nil {
			user, _ = strings.CutPrefix(cookie.Value, "of-")
		}
		switch {
		case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+r.FormValue("u"):
			w.Header().Set("Set-Cookie", name+"=of-"+r.FormValue("u")+"; HttpOnly; Path=/")
		case r.URL.Path == "/me":
			fmt.Fprintf(w, `{"name":%q}`, user)
		default:
			fmt.Fprint(w, "secrets of ", user)
		}
	}
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app(w, r)
		return nil
	})
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	send := func(b *browser, method, path, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", asForm)
		r.Header.Set("X-Line-In", "-2")
		response, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text := make([]byte, 1024)
		n, _ := response.Body.Read(text)
		return string(text[:n])
	}
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	if got := send(carol, "POST", "/other", "u=carol&p=pw-carol"); got != "" {
		t.Errorf("her own there: %s", got)
	}
	if got := send(carol, "GET", "/x", ""); got != "secrets of carol" {
		t.Fatalf("the control: %s", got)
	}
	send(carol, "POST", "/other", "u=alice&p=pw-alice")
	if got := send(carol, "GET", "/x", ""); strings.Contains(got, "alice") {
		t.Errorf("carol reads: %s", got)
	}
}

// TestP1_DotSegments: in every state, a path that climbs to another folder on some server reaches no app.
func TestP1_DotSegments(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	b.get("/files").wants(t, http.StatusOK, "")
	for _, path := range []string{"/files/..;", "/files/..%2fx", "/x%2f..%2ffiles", "/files/%252e%252e"} {
		if got := b.get(path); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}
