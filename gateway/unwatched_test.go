package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gateway/upstream"
)

// leaving is a gated app with undescribed addresses that sign in, and that end the session that they get first.
type leaving struct{ *gated }

func (a leaving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := ""
	if r.FormValue("p") == "pw-"+r.FormValue("u") {
		name = r.FormValue("u")
	}
	signIn := func() {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		a.raise(sid(r), name)
	}
	switch r.URL.Path {
	case "/hinted":
		// This says more in its early hints than it should.
		signIn()
		w.Header().Set("X-Whose", "of "+name)
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, "secrets of ", name)
	case "/switch":
		// "Switching user, please wait": nobody is signed in meanwhile.
		to := name
		name = ""
		signIn()
		fmt.Fprint(w, "please wait")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-a.tick:
		case <-r.Context().Done():
			a.left()
			return
		}
		name = to
		signIn()
		fmt.Fprint(w, ", secrets of ", name)
	case "/logout", "/bye":
		signIn()
		fmt.Fprint(w, "good bye. secrets of ", name)
	default:
		a.gated.ServeHTTP(w, r)
	}
}

func behindLeaving(t *testing.T) (app leaving, carol *browser) {
	t.Helper()
	app = leaving{newGated()}
	s := newRaising(t, nil)
	s.serve(upstreamOf(t, app, app.open))
	return app, s.carol(t)
}

// atTheApp is the control: it returns what the app itself answers to carol's session of it.
func atTheApp(t *testing.T, app leaving, method, path, form string) string {
	t.Helper()
	app.mutex.Lock()
	app.raise("of-carol", "carol")
	app.mutex.Unlock()
	r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", asForm)
	r.Header.Set("Cookie", "sid=of-carol")
	w := &upstream.Withheld{Headers: make(http.Header)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		app.ServeHTTP(w, r)
	}()
	select {
	case app.tick <- struct{}{}:
		<-done
	case <-done:
	}
	return fmt.Sprint(w.Headers, w.Body.String())
}

// TestP2_HintsBeforeTheQuestion: carol posts alice's password to an address that no login describes. The app first
// sends early hints with alice's data in them, and afterwards the answer, about which it is asked.
func TestP2_HintsBeforeTheQuestion(t *testing.T) {
	app, carol := behindLeaving(t)
	if got := atTheApp(t, app, "POST", "/hinted", alicesForm); !strings.Contains(got, "X-Whose:[of alice]") {
		t.Fatalf("the control: %s", got)
	}
	conn := carol.raw(t, "POST", "/hinted", alicesForm, len(alicesForm))
	_ = conn.CloseWrite()
	got, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(got), "HTTP/1.1 ") || strings.Contains(string(got), "alice") {
		t.Errorf("carol reads %q, %v", got, err)
	}
}

// TestP5_SwitchedMidway: carol posts alice's password to an address that no login describes. The app signs carol out,
// begins to answer, and signs alice in after that. When it was asked, nobody was signed in, and so our session ended.
// Then nobody could ask about the rest of the answer, which went out as a stranger's.
func TestP5_SwitchedMidway(t *testing.T) {
	for _, method := range []string{"POST", "GET"} {
		app, carol := behindLeaving(t)
		path, form := "/switch", alicesForm
		if method == "GET" {
			path, form = "/switch?"+alicesForm, ""
		}
		if got := atTheApp(t, app, method, path, form); !strings.Contains(got, "please wait, secrets of alice") {
			t.Fatalf("the control: %s", got)
		}
		conn := carol.raw(t, method, path, form, len(form))
		in := bufio.NewReader(conn)
		if _, err := in.Peek(1); err != nil {
			t.Fatal(err)
		}
		app.say()
		_ = conn.CloseWrite()
		got, err := io.ReadAll(in)
		if !strings.Contains(string(got), "HTTP/1.1 ") || strings.Contains(string(got), "alice") {
			t.Errorf("%s: carol reads %q, %v", method, got, err)
		}
		if got := carol.get("/x"); got.StatusCode == http.StatusOK {
			t.Errorf("%s: her session goes on: %s", method, got.body)
		}
	}
}

// TestP5_SwitchedByATunnel: the handshake of a WebSocket signs carol out at the app, and a message in the tunnel signs
// alice in. By then the session that the tunnel was opened with has ended, and nobody would watch the tunnel.
func TestP5_SwitchedByATunnel(t *testing.T) {
	for _, signsOut := range []bool{true, false} {
		app := socketed{newGated()}
		s := newRaising(t, nil)
		proxied := upstreamOf(t, app, app.open)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.Header.Get("Upgrade") == "" {
				return proxied(w, r)
			}
			if signsOut {
				app.mutex.Lock()
				app.raise(sid(r), "")
				app.mutex.Unlock()
			}
			return tunnelTo(w, r, app)
		})
		carol := s.carol(t)
		conn := carol.rawRest(t, "GET", "/socket", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, err := bufio.NewReader(conn).ReadString('\n')
		if opened := strings.Contains(line, " 101 "); err != nil || opened == signsOut {
			t.Errorf("signed out %t: %q %v", signsOut, line, err)
		}
	}
}

// TestP5_SignOutThatSignsIn: the app answers what comes to the address of the sign-out, and our session ends with it,
// whatever the app says. An app that signs in the user of any password that it gets, at that address too, showed
// alice's page to carol. If the app knows nobody after a sign-out, its page goes out, at that address and at others.
func TestP5_SignOutThatSignsIn(t *testing.T) {
	for _, path := range []string{"/logout", "/bye"} {
		app, carol := behindLeaving(t)
		if got := atTheApp(t, app, "POST", path, alicesForm); !strings.Contains(got, "secrets of alice") {
			t.Fatalf("the control: %s", got)
		}
		if got := carol.do("POST", path, asForm, alicesForm); strings.Contains(got.body, "alice") {
			t.Errorf("%s: carol reads %s", path, got.body)
		}
		if got := carol.get("/x"); got.StatusCode == http.StatusOK {
			t.Errorf("%s: her session goes on: %s", path, got.body)
		}
	}
	for _, form := range []string{"csrf=1", ""} {
		_, carol := behindLeaving(t)
		if got := carol.do("POST", "/logout", asForm, form); got.body != "good bye. secrets of " {
			t.Errorf("%q: the app's own words: %d %s", form, got.StatusCode, got.body)
		}
		if got := carol.get("/x"); got.StatusCode == http.StatusOK {
			t.Errorf("%q: her session goes on: %s", form, got.body)
		}
	}
}

// TestP6_SetUpWhoseEndIsMissed: mallory has bob's password and a session by it when bob sets up a factor, and the
// session store is unreachable at the moment when her session should end. It went on to the end of its time. The
// control: if the store works, her session ends at once; and without the set-up it goes on.
func TestP6_SetUpWhoseEndIsMissed(t *testing.T) {
	t.Parallel()
	for _, away := range []bool{true, false} {
		f := newFrail(t, nil)
		bob, mallory := f.browser(), f.browser()
		bob.signIn("bob", demo.BobPassword)
		mallory.signIn("bob", demo.BobPassword)
		f.clock.Advance(2 * time.Minute)
		if got := mallory.get("/api/entries"); got.StatusCode != http.StatusOK {
			t.Fatalf("before the set-up: %d", got.StatusCode)
		}
		bob.own("/", "/setup", nil)
		key := find(t, secretKey, bob.get("/second-factor/setup").body)
		token := bob.token("/setup")
		if away {
			f.sessions.strike(func(context.Context) error { return errors.New("away") }, "list")
		}
		confirmed := bob.post("/second-factor/setup/confirm", url.Values{"csrf_token": {token}, "code": {f.code(key)}})
		f.sessions.end()
		if away != (confirmed.StatusCode == http.StatusServiceUnavailable) {
			t.Fatalf("away %t: the set-up is answered with %d", away, confirmed.StatusCode)
		}
		if away {
			// This is her next use after the minute.
			f.clock.Advance(time.Minute + time.Second)
		}
		if got := mallory.get("/api/entries"); got.StatusCode == http.StatusOK {
			t.Errorf("away %t: her session goes on: %s", away, got.body)
		}
		if got := mallory.state(); away && got != "pending" {
			t.Errorf("her session is %s", got)
		}
		if got := bob.get("/api/entries"); got.StatusCode != http.StatusOK {
			t.Errorf("away %t: bob's own session is refused: %d", away, got.StatusCode)
		}
	}
}

// TestP6_UnknownFactorsHoldNobodyUp: while the secrets store hangs, a user without a factor goes on working, and waits
// for its answer for a moment only.
func TestP6_UnknownFactorsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	f := newFrail(t, nil)
	bob := f.browser()
	bob.signIn("bob", demo.BobPassword)
	hang := make(chan struct{})
	f.secrets.strike(func(context.Context) error { <-hang; return errors.New("hung") })
	t.Cleanup(func() { close(hang) })
	for range 3 {
		f.clock.Advance(2 * time.Minute)
		if got := bob.get("/api/entries"); got.StatusCode != http.StatusOK {
			t.Errorf("bob is held up: %d", got.StatusCode)
		}
	}
	f.secrets.end()
	f.clock.Advance(2 * time.Minute)
	if got := bob.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", got.StatusCode)
	}
}
