package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// inviting is an app in which the user who was invited by a link, whose secret is its path, comes before the user of
// the session. The app cannot be asked.
func inviting(w http.ResponseWriter, r *http.Request) {
	set := func(name, value string) { w.Header().Set("Set-Cookie", name+"="+value+"; HttpOnly; Path=/") }
	name, invited := strings.CutPrefix(r.URL.Path, "/static/join/")
	switch {
	case invited:
		set("invitation", name)
		return
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+r.FormValue("u"):
		set("sid", r.FormValue("u"))
		return
	}
	for _, kind := range []string{"invitation", "sid"} {
		if cookie, err := r.Cookie(kind); err == nil {
			fmt.Fprint(w, "secrets of ", cookie.Value)
			return
		}
	}
}

// TestP5_TypedSessionIsItsAnswersAlone: the app cannot be asked. A public link puts an invitation to alice's account
// into custody, and carol signs in with it. Her session was carol's by name, and alice's to the app. Now it carries
// only what the login's own answer set, and nothing from before.
func TestP5_TypedSessionIsItsAnswersAlone(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/x", http.NoBody)
	r.Header.Set("Cookie", "sid=carol; invitation=alice")
	w := httptest.NewRecorder()
	if inviting(w, r); w.Body.String() != "secrets of alice" {
		t.Fatalf("the control: %s", w.Body)
	}
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{Typed: true, Blocks: []login.Block{{
			Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}, Fields: []string{"p"},
			Success: [][]login.Rule{{{Kind: login.Cookie, Name: "sid"}}},
		}}}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		inviting(w, r)
		return nil
	})
	b := s.browser()
	b.get("/static/join/alice").wants(t, http.StatusOK, "")
	b.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	b.wantsState("verified", "carol")
	if got := b.get("/x"); got.body != "secrets of carol" {
		t.Errorf("carol reads %s", got.body)
	}
	// A login whose answer sets nothing does not count either, because the session may be that of a user who is signed
	// in already.
	again := s.browser()
	again.get("/static/join/alice")
	again.do("POST", "/login", asForm, "u=carol&p=guess")
	again.wantsState("anonymous", "")
	if got := again.get("/x"); strings.Contains(got.body, "alice") {
		t.Errorf("without a password: %s", got.body)
	}
}
