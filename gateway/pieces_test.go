package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/gateway/relay"
)

// growing is a gated app with a page that is written piece by piece. Each piece says whose the session is at that
// moment. The app can refuse to say who is signed in.
type growing struct {
	*gated
	grows, refuses atomic.Bool
}

func (a *growing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/me" && a.refuses.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case r.URL.Path != "/log":
		a.gated.ServeHTTP(w, r)
		return
	}
	for {
		a.mutex.Lock()
		fmt.Fprintf(w, "of %s\n", a.users[sid(r)])
		a.mutex.Unlock()
		if !a.grows.Load() {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-a.tick:
		case <-r.Context().Done():
			a.left()
			return
		}
	}
}

// behindPages is raise with a growing app.
func behindPages(t *testing.T, change func(*Config)) (s *site, app *growing, carol *browser) {
	t.Helper()
	app = &growing{gated: newGated()}
	s = newRaising(t, change)
	s.serve(upstreamOf(t, app, app.open))
	return s, app, s.carol(t)
}

// openPage asks for the page, and returns what follows its first piece.
func (a *growing) openPage(t *testing.T, b *browser) (rest *bufio.Reader) {
	t.Helper()
	a.grows.Store(true)
	response, err := b.client.Get(b.s.server.URL + "/log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	rest = bufio.NewReader(response.Body)
	if line, err := rest.ReadString('\n'); err != nil || line != "of carol\n" {
		t.Fatalf("the first piece: %d %q %v", response.StatusCode, line, err)
	}
	return rest
}

// TestP5_KnownPageBesideARaise: carol has a page open that the app writes bit by bit, at a path that signed nobody in
// before, when she posts alice's password to an app that takes its time to answer. What the app writes to the page
// meanwhile may be alice's. It waits for the answer to the other request, and if that takes long, the app is asked.
func TestP5_KnownPageBesideARaise(t *testing.T) {
	for _, who := range []string{"carol", "alice"} {
		for _, answered := range []bool{true, false} {
			const upload = relay.WholeBody + 8<<10
			_, app, carol := behindPages(t, nil)
			carol.get("/log").wants(t, http.StatusOK, "")
			page := app.openPage(t, carol)
			if answered {
				carol.raw(t, "POST", "/slow?n="+who, "", 0)
			} else {
				// By its address it may sign somebody in before its body is there.
				carol.raw(t, "POST", "/slow?n="+who, strings.Repeat("x", upload), 10<<20)
			}
			<-app.arrived
			app.say()
			app.say() // the app has written it
			if answered {
				app.open()
			}
			line, err := page.ReadString('\n')
			switch {
			case who == "carol" && (err != nil || line != "of carol\n"):
				t.Errorf("the control, answered %t: %q %v", answered, line, err)
			case who == "alice" && (err == nil || strings.Contains(line, "alice")):
				t.Errorf("answered %t: carol's page says %q", answered, line)
			}
			app.open()
		}
	}
}

// TestP5_UploadBesideARaise: carol sends a file while a request of hers with alice's password is at the app. The end of
// the file waits, and never gets there.
func TestP5_UploadBesideARaise(t *testing.T) {
	for _, who := range []string{"carol", "alice"} {
		app := newGated()
		s := newRaising(t, nil)
		s.serve(upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/store" {
				app.ServeHTTP(w, r)
				return
			}
			app.arrived <- struct{}{}
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				app.note(r)
			}
		}), app.open))
		carol := s.carol(t)
		carol.raw(t, "POST", "/slow?n="+who, "", 0)
		<-app.arrived
		const length = relay.WholeBody + 8<<10
		file := carol.raw(t, "POST", "/store", strings.Repeat("x", length), length)
		<-app.arrived
		stored := func() bool { return app.has("POST /store " + who) }
		for deadline := time.Now().Add(200 * time.Millisecond); time.Now().Before(deadline) && !stored(); {
			<-time.After(time.Millisecond)
		}
		if stored() {
			t.Errorf("%s: the file did not wait", who)
		}
		app.open()
		answer, err := http.ReadResponse(bufio.NewReader(file), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if stored() != (who == "carol") {
			t.Errorf("%s: %d, stored: %t", who, answer.StatusCode, stored())
		}
	}
}

// TestP5_PageIsAskedAbout: an answer that never ends makes no request, so a recheck found out nothing about it: the
// session may have become another user's in a way that nobody saw, or the app may have ended it, or may no longer say
// whose it is.
func TestP5_PageIsAskedAbout(t *testing.T) {
	for what, becomes := range map[string]func(*growing){
		"alice's":       func(a *growing) { a.become("alice") },
		"nobody's":      func(a *growing) { a.become("") },
		"unclear":       func(a *growing) { a.refuses.Store(true) },
		"still carol's": func(*growing) {},
	} {
		s, app, carol := behindPages(t, func(c *Config) { c.Renews = true })
		page := app.openPage(t, carol)
		becomes(app)
		s.clock.Advance(2 * time.Minute)
		if what == "still carol's" {
			for began := time.Now(); time.Since(began) < relay.LookEvery+relay.LookEvery/4; {
				app.say()
				if line, err := page.ReadString('\n'); err != nil || line != "of carol\n" {
					t.Fatalf("the control: %q %v", line, err)
				}
			}
			continue
		}
		eventually(t, "the page of a session that is "+what+" breaks off", func() bool {
			app.say()
			_, err := page.ReadString('\n')
			return err != nil && err != io.EOF
		})
	}
}

// become makes carol's session another user's.
func (a *growing) become(name string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for id, is := range a.users {
		if is == "carol" {
			a.users[id] = name
		}
	}
}
