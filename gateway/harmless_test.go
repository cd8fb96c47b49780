package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// scriptedDoors is a raisingApp that signs in by a path, too, and answers with a script.
func scriptedDoors(app *raisingApp) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !strings.HasSuffix(r.URL.Path, ".js") {
			app.ServeHTTP(w, r)
			return nil
		}
		w.Header().Set("Content-Type", "text/javascript")
		app.mutex.Lock()
		defer app.mutex.Unlock()
		parts := strings.Split(strings.TrimSuffix(r.URL.Path, ".js"), "/")
		if len(parts) == 4 && parts[3] == "pw-"+parts[2] {
			app.raise(sid(r), parts[2])
		}
		fmt.Fprintf(w, "secretsOf(%q)", app.users[sid(r)])
		return nil
	}
}

// TestP5_RaisedByAScript: the app signs in by a path, under the cookie that is there, and answers with a script. What belongs to a page was
// never asked about: carol, with alice's password in the path, had alice's pages.
func TestP5_RaisedByAScript(t *testing.T) {
	s := newRaising(t, nil)
	s.serve(scriptedDoors(new(raisingApp)))
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	// Her own link is harmless to her, and to nobody else.
	for range 2 {
		if got := alice.get("/in/alice/pw-alice.js"); got.body != `secretsOf("alice")` {
			t.Fatalf("alice: %d %s", got.StatusCode, got.body)
		}
	}
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	for _, path := range []string{"/in/carol/pw-carol.js", "/in/carol/pw-carol.js", "/app.js", "/app.js"} {
		if got := carol.get(path); got.body != `secretsOf("carol")` {
			t.Fatalf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	if got := carol.get("/in/alice/pw-alice.js"); strings.Contains(got.body, "alice") {
		t.Errorf("carol reads %s", got.body)
	}
	carol.wantsState("pending", "alice")
}

// TestHarmless: what belongs to a page costs a question once for each user, and not with each page.
func TestHarmless(t *testing.T) {
	asked := 0
	doors := scriptedDoors(new(raisingApp))
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/me" {
			asked++
		}
		return doors(w, r)
	})
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	for i, want := range []bool{true, false, false} {
		before := asked
		carol.get("/app.js")
		if (asked > before) != want {
			t.Errorf("the script, for the time number %d: %d questions", i+1, asked-before)
		}
	}
	before := asked
	carol.get("/app.js?v=2")
	carol.do("HEAD", "/app.js", "", "")
	if asked < before+2 {
		t.Error("a query, or another method, counts as the same address")
	}
}
