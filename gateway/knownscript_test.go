package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// scripts is a gated app with a script that says whose the session is when the script is written. While it is held, it
// waits before that.
type scripts struct {
	*gated
	held          atomic.Bool
	asked, goesOn chan struct{}
}

func newScripts() *scripts {
	return &scripts{gated: newGated(), asked: make(chan struct{}, 1), goesOn: make(chan struct{})}
}

func (a *scripts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/app.js" {
		a.gated.ServeHTTP(w, r)
		return
	}
	if a.held.Load() {
		a.asked <- struct{}{}
		<-a.goesOn
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	w.Header().Set("Content-Type", "text/javascript")
	fmt.Fprintf(w, "secretsOf(%q)", a.users[sid(r)])
}

// body returns an answer's body, or what came of it.
func body(t *testing.T, from io.Reader) string {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(from), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// TestP5_KnownScriptBesideARaise: a script of carol's, at an address that is known to sign nobody in, is at the app
// when she posts alice's password, at this gateway or at another one. The app takes its time over the script and writes
// it as alice's. That its address is known says nothing about that.
func TestP5_KnownScriptBesideARaise(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		for _, who := range []string{"carol", "alice"} {
			app := newScripts()
			here := newRaising(t, nil)
			there, carol := here, here.carol(t)
			carolThere := carol
			if elsewhere {
				_, here, there, carol, carolThere = raiseAtTwo(t)
			}
			next := upstreamOf(t, app, app.open)
			here.serve(next)
			there.serve(next)
			for _, b := range []*browser{carol, carolThere} {
				app.mutex.Lock()
				app.raise("s1", "carol")
				app.mutex.Unlock()
				for range 2 {
					if got := b.get("/app.js"); got.body != `secretsOf("carol")` {
						t.Fatalf("the control: %d %s", got.StatusCode, got.body)
					}
				}
			}
			app.held.Store(true)
			script := carolThere.rawRest(t, "GET", "/app.js", "\r\n")
			<-app.asked
			post := carol.raw(t, "POST", "/slow?n="+who, "", 0)
			<-app.arrived // it waits for the script for a moment only, and has raised the session
			close(app.goesOn)
			got := body(t, script)
			switch {
			case who == "carol" && got != `secretsOf("carol")`:
				t.Errorf("elsewhere %v: her own sign-in: %s", elsewhere, got)
			case strings.Contains(got, "alice"):
				t.Errorf("elsewhere %v: carol reads %s", elsewhere, got)
			}
			app.open()
			_ = post.Close()
		}
	}
}

// TestP5_KnownScriptByAHeader: an app keeps a separate session for another protocol, which a header names. The address
// of a script is known to sign nobody in, which is true without that header. With the header the script is alice's.
func TestP5_KnownScriptByAHeader(t *testing.T) {
	s := newRaising(t, nil)
	app := new(raisingApp)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		line := r.Header.Get("X-Line-In")
		app.mutex.Lock()
		who := app.users[sid(r)]
		if line != "" && who != "" {
			who = line
		}
		app.mutex.Unlock()
		switch r.URL.Path {
		case "/me":
			fmt.Fprintf(w, `{"name":%q}`, who)
		case "/app.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprintf(w, "secretsOf(%q)", who)
		default:
			app.ServeHTTP(w, r)
		}
		return nil
	})
	carol := s.carol(t)
	for _, line := range []string{"", "carol", "carol"} {
		if got := carol.send("GET", "/app.js", "", http.Header{"X-Line-In": {line}}); got.body != `secretsOf("carol")` {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
	}
	if got := carol.send("GET", "/app.js", "", http.Header{"X-Line-In": {"alice"}}); strings.Contains(got.body, "alice") {
		t.Errorf("carol reads %s", got.body)
	}
}

// TestP5_BrokenOffInTheMiddle: the app raises carol's session as alice's and breaks off its answer when the head and a
// part of the body have come and are being held. Nobody has judged that answer. Before the session's next use the app
// is asked, also at an address that is known.
func TestP5_BrokenOffInTheMiddle(t *testing.T) {
	for _, who := range []string{"carol", "alice"} {
		app := newScripts()
		s := newRaising(t, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			app.ServeHTTP(w, r)
			return nil
		})
		carol := s.carol(t)
		for range 2 {
			if got := carol.get("/app.js"); got.body != `secretsOf("carol")` {
				t.Fatalf("the control: %d %s", got.StatusCode, got.body)
			}
		}
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path != "/door" || r.Method != http.MethodPost {
				app.ServeHTTP(w, r)
				return nil
			}
			app.mutex.Lock()
			app.raise(sid(r), who)
			app.mutex.Unlock()
			_, _ = io.WriteString(w, "the beginning")
			panic(http.ErrAbortHandler)
		})
		conn := carol.raw(t, "POST", "/door", "", 0)
		if text, _ := io.ReadAll(conn); strings.Contains(string(text), "the beginning") {
			t.Errorf("%s: it came out: %s", who, text)
		}
		got := carol.get("/app.js")
		if who == "carol" && got.body != `secretsOf("carol")` || strings.Contains(got.body, "alice") {
			t.Errorf("%s: carol reads %d %s", who, got.StatusCode, got.body)
		}
	}
}
