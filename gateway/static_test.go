package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// scriptedDoors is a raisingApp that also signs in by a path, and answers with a script.
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

// TestP5_RaisedByAScript: the app signs in by a path, under the cookie that is there, and answers with a script. The
// app was never asked about what belongs to a page, so carol, with alice's password in the path, had alice's pages.
func TestP5_RaisedByAScript(t *testing.T) {
	s := newRaising(t, nil)
	s.serve(scriptedDoors(new(raisingApp)))
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
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

// TestStatic: what belongs to a page, and is the same for strangers, costs one question in ten minutes, and the session
// does not go along. The app is asked each time about what is the user's own, by its validators or by the app's word.
func TestStatic(t *testing.T) {
	doors := scriptedDoors(new(raisingApp))
	var asked, carried int
	cache := ""
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/me" {
			asked++
		}
		switch strings.TrimPrefix(r.URL.Path, "/style") {
		default:
			return doors(w, r)
		case ".css":
			w.Header().Set("Etag", `"same"`)
		case "-own.css":
			w.Header().Set("Etag", `"of-`+sid(r)+`"`)
		case "-private.css":
			w.Header().Set("Etag", `"same"`)
			w.Header().Set("Cache-Control", "max-age=60, Private")
		case "-by-cookie.css":
			w.Header().Set("Last-Modified", "Mon, 30 Nov 2026 12:00:00 GMT")
			w.Header().Set("Vary", "Accept-Encoding, cookie")
		case "-now.css":
			w.Header().Set("Etag", `"same"`)
			w.Header().Set("Cache-Control", cache)
		}
		if sid(r) != "" {
			carried++
		}
		w.Header().Set("Content-Type", "text/css")
		return nil
	})
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	loads := func(path string, want bool) {
		t.Helper()
		before, went := asked, carried
		if got := carol.get(path); got.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", path, got.StatusCode)
		}
		if (asked > before) != want || (carried > went) != want {
			t.Errorf("%s: %d questions, and the session went along %d times", path, asked-before, carried-went)
		}
	}
	loads("/style.css", true)
	loads("/style.css", false)
	loads("/style.css", false)
	loads("/style.css?v=2", true)
	for _, path := range []string{"/style-own.css", "/style-private.css", "/style-by-cookie.css"} {
		loads(path, true)
		loads(path, true)
	}
	s.clock.Advance(11 * time.Minute)
	carol.get("/x") // it is asked about after that time
	loads("/style.css", true)
	loads("/style.css", false)
}

// TestP5_RefusedOnce: a path signs alice in, by a name and a password in it. While the app refuses to, since somebody
// has guessed too often, carol loads it, and the app gives her the picture that it gives to anybody. From then on the
// path counted as harmless. When the app signed alice in again, nobody was asked, and what carol sent next was done as
// alice.
func TestP5_RefusedOnce(t *testing.T) {
	app := newGated()
	refuses := true
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/in/alice/pw-alice.png" {
			app.ServeHTTP(w, r)
			return nil
		}
		w.Header().Set("Etag", `"pixel"`)
		w.Header().Set("Content-Type", "image/png")
		app.mutex.Lock()
		defer app.mutex.Unlock()
		if !refuses {
			app.raise(sid(r), "alice")
		}
		return nil
	})
	carol := s.carol(t)
	for range 2 {
		carol.get("/in/alice/pw-alice.png").wants(t, http.StatusOK, "")
	}
	refuses = false
	carol.get("/in/alice/pw-alice.png")
	got := carol.do("POST", "/write", asForm, "text=1")
	if app.has("POST /write alice") || !app.has("POST /write carol") {
		t.Errorf("%d; at the app: %q", got.StatusCode, app.seen)
	}
	// The control: at another address the app signs in.
	carol.get("/in/alice/pw-alice")
	carol.wantsState("pending", "alice")
}

// TestP5_HarmlessElsewhere: a path that signs nobody in at one host of the site may do so at another.
func TestP5_HarmlessElsewhere(t *testing.T) {
	app := new(raisingApp)
	doors := scriptedDoors(app)
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if strings.HasPrefix(r.Host, "127.0.0.1") && strings.HasPrefix(r.URL.Path, "/in/") {
			r.URL.Path = "/app.js"
		}
		return doors(w, r)
	})
	carol := s.carol(t)
	if got := carol.get("/in/alice/pw-alice.js"); got.body != `secretsOf("carol")` {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	elsewhere := *s
	elsewhere.server = &httptest.Server{URL: strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1)}
	b := elsewhere.browser()
	b.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	if got := b.get("/in/alice/pw-alice.js"); strings.Contains(got.body, "alice") {
		t.Errorf("carol reads %s", got.body)
	}
	b.wantsState("pending", "alice")
}

// TestP5_HarmlessOnlyAlone: a path signs alice in, and the app takes more than a moment to answer. Meanwhile carol
// signs in as herself again, so that the app, when it is asked, names carol. The path must not count as harmless
// because of that.
func TestP5_HarmlessOnlyAlone(t *testing.T) {
	app, slow := newGated(), true
	s := newRaising(t, nil)
	s.serve(upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".js") {
			app.raisingApp.ServeHTTP(w, r)
			return
		}
		app.mutex.Lock()
		app.raise(sid(r), "alice")
		app.mutex.Unlock()
		if slow {
			app.arrived <- struct{}{}
			<-app.release
		}
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `secretsOf("alice")`)
	}), app.open))
	carol := s.carol(t)
	link := carol.rawRest(t, "GET", "/in.js", "Connection: close\r\n\r\n")
	<-app.arrived
	// If the app is asked before that goes out, beside a link that has lapsed, it names alice.
	carol.do("POST", "/other", asForm, "u=carol&p=pw-carol").wants(t, http.StatusSeeOther, challengePage)
	app.open()
	_, _ = io.ReadAll(link) // or nothing: the session has ended
	slow = false
	if got := carol.get("/in.js"); strings.Contains(got.body, "alice") {
		t.Errorf("carol reads %s", got.body)
	}
}

// TestP5_HarmlessByItsWhole: the app signs in after it has begun to answer. That the beginning was carol's does not
// make the path harmless.
func TestP5_HarmlessByItsWhole(t *testing.T) {
	app := new(raisingApp)
	signsIn := false
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/in.js" {
			app.ServeHTTP(w, r)
			return nil
		}
		w.Header().Set("Content-Type", "text/javascript")
		_ = http.NewResponseController(w).Flush()
		app.mutex.Lock()
		defer app.mutex.Unlock()
		if signsIn {
			app.raise(sid(r), "alice")
		}
		fmt.Fprintf(w, "secretsOf(%q)", app.users[sid(r)])
		return nil
	})
	carol := s.carol(t)
	for range 2 {
		if got := carol.get("/in.js"); got.body != `secretsOf("carol")` {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
	}
	signsIn = true
	if got := carol.get("/in.js"); strings.Contains(got.body, "alice") {
		t.Errorf("carol reads %s", got.body)
	}
	carol.get("/x").wants(t, http.StatusSeeOther, "/second-factor/challenge")
}
