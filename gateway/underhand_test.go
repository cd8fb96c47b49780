package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
)

// doors is a gated app with public addresses that sign in the user of any password that they get, under the session
// that is there or under a new one.
type doors struct {
	*gated
	late chan struct{} // a value makes an answer begin that waits for it
}

func (a doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := ""
	if r.FormValue("p") == "pw-"+r.FormValue("u") {
		name = r.FormValue("u")
	}
	id := sid(r)
	switch r.URL.Path {
	case "/magic":
		// A link that signs in after another server has confirmed it.
		a.arrived <- struct{}{}
		<-a.release
		a.mutex.Lock()
		a.raise(id, name)
		a.mutex.Unlock()
		fmt.Fprint(w, "hello, ", name)
	case "/pub/form", "/pub/late":
		if r.URL.Path == "/pub/late" {
			a.arrived <- struct{}{}
			<-a.late
		}
		// This begins to answer before it has looked at the password.
		if id == "" || id == "guest" {
			id = "fresh"
			a.mutex.Lock()
			a.raise(id, "")
			a.mutex.Unlock()
			w.Header().Set("Set-Cookie", "sid=fresh; HttpOnly; Path=/")
		}
		fmt.Fprint(w, "checking")
		_ = http.NewResponseController(w).Flush()
		a.arrived <- struct{}{}
		select {
		case <-a.tick:
		case <-a.release:
		}
		a.mutex.Lock()
		a.raise(id, name)
		a.mutex.Unlock()
		fmt.Fprint(w, ", secrets of ", name)
	default:
		a.gated.ServeHTTP(w, r)
	}
}

// behindDoors makes two gateways in front of such an app, which share their sessions, and where alice has a factor.
func behindDoors(t *testing.T) (s, there *site, app doors) {
	t.Helper()
	app = doors{newGated(), make(chan struct{})}
	s, there = atTwo(t, func(c *Config) {
		c.Public = append(c.Public, gate.Open("/magic?*")...)
		c.Public = append(c.Public, gate.Opening{Paths: match.NewGlobs("/pub/*"), Methods: []string{"POST"}})
	})
	upstream := upstreamOf(t, app, app.open)
	s.serve(upstream)
	there.serve(upstream)
	alice := s.browser()
	alice.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusOK, "")
	alice.enrol()
	return s, there, app
}

// head reads the head of an answer, and keeps its cookies as a browser does.
func (b *browser) head(t *testing.T, conn net.Conn) *http.Response {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	address, _ := url.Parse(b.s.server.URL)
	b.client.Jar.SetCookies(address, answer.Cookies())
	return answer
}

// TestP5_LoginWithWhatIsUnderWay: a stranger posts alice's password to a public form, whose answer begins with a new
// session of the app's, before the app has looked at the password. With that session carol signs in at once, and
// afterwards the form makes it alice's: everything that carol sent from then on was done as alice. The same happened
// with a link that is at the app with a session when carol signs in with it.
func TestP5_LoginWithWhatIsUnderWay(t *testing.T) {
	for _, pending := range []bool{true, false} {
		for _, way := range []string{"link", "form", "form, elsewhere"} {
			s, there, app := behindDoors(t)
			b := s.browser()
			if pending {
				b.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusSeeOther, "/second-factor/challenge")
			}
			form := alicesForm
			if way == "link" {
				form = "u=alice&p=wrong"
			}
			conn := b.raw(t, "POST", "/pub/form", form, len(form))
			<-app.arrived
			answer := b.head(t, conn) //nolint:bodyclose // the connection is closed: to close the body would wait for its end
			if way == "link" {
				app.tick <- struct{}{}
				if got, err := io.ReadAll(answer.Body); err != nil || string(got) != "checking, secrets of " {
					t.Fatalf("the control: %d %s %v", answer.StatusCode, got, err)
				}
				b.raw(t, "GET", "/magic?"+alicesForm, "", 0)
				<-app.arrived
			}
			if way == "form, elsewhere" {
				b.s = there
			}
			signedIn := b.do("POST", "/login", asForm, "u=carol&p=pw-carol")
			app.open()
			eventually(t, "the app has signed alice in by the other way", func() bool {
				app.mutex.Lock()
				defer app.mutex.Unlock()
				return app.users["fresh"] == "alice"
			})
			got := b.do("POST", "/write", asForm, "text=1")
			if app.has("POST /write alice") || strings.Contains(got.body, "alice") {
				t.Errorf("pending %t, %s: carol's sign-in is %d, and then %d %s; at the app: %q",
					pending, way, signedIn.StatusCode, got.StatusCode, got.body, app.seen)
			}
			if signedIn.StatusCode != http.StatusOK || got.StatusCode != http.StatusOK || !app.has("POST /write carol") {
				t.Errorf("pending %t, %s: carol's own: %d, %d %s; at the app: %q", pending, way, signedIn.StatusCode, got.StatusCode, got.body, app.seen)
			}
		}
	}
}

// TestP5_PublicFormAfterAFailedLogin: after a failed login, whose cookies wait for another try, a form at a public
// address sets a session of its own, begins to answer, and then signs alice in. The session that it set was kept
// nowhere, so nobody asked about it piece by piece, as happens without the failed login.
func TestP5_PublicFormAfterAFailedLogin(t *testing.T) {
	for _, failed := range []bool{true, false} {
		s, _, app := behindDoors(t)
		b := s.browser()
		b.get("/login")
		if failed {
			b.do("POST", "/login", asForm, "u=alice&p=wrong")
		}
		for _, form := range []string{"u=alice&p=wrong", alicesForm} {
			conn := b.raw(t, "POST", "/pub/form", form, len(form))
			<-app.arrived
			app.tick <- struct{}{}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if form == alicesForm && strings.Contains(string(got), "alice") {
				t.Errorf("failed before %t: %q %v", failed, got, err)
			}
			if app.mutex.Lock(); form == alicesForm && app.users["fresh"] != "alice" {
				t.Errorf("the control: the app has these signed in: %v", app.users)
			}
			app.mutex.Unlock()
			if form != alicesForm && (string(got) != "checking, secrets of " || err != nil) {
				t.Errorf("failed before %t: the control: %d %q %v", failed, answer.StatusCode, got, err)
			}
		}
	}
}

// TestP5_TwoFormsUnderWay: two such forms of one session are at the app, each by another gateway. The end of the first
// one would remove the mark that tells other gateways of both. With the second one's session carol would then sign in
// at the first gateway, before the form makes that session alice's. So the second one's session is not handed out. A
// single form's is.
func TestP5_TwoFormsUnderWay(t *testing.T) {
	for _, another := range []bool{true, false} {
		here, there, app := behindDoors(t)
		b := here.browser()
		b.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		second := (&browser{s: there, client: b.client}).raw(t, "POST", "/pub/late", alicesForm, len(alicesForm))
		<-app.arrived
		if another {
			b.head(t, b.raw(t, "POST", "/pub/form", alicesForm, len(alicesForm))) //nolint:bodyclose // the connection is closed
			<-app.arrived
		}
		app.late <- struct{}{}
		<-app.arrived
		answer := b.head(t, second) //nolint:bodyclose // the connection is closed: to close the body would wait for its end
		if handedOut := answer.StatusCode == http.StatusOK; handedOut == another {
			t.Errorf("beside another %t: %d", another, answer.StatusCode)
		}
	}
}

// TestTurns_FormSentAgain: a user who sends such a form again, because its answer takes long, gets the answer to the
// second.
func TestTurns_FormSentAgain(t *testing.T) {
	here, _, app := behindDoors(t)
	b := here.browser()
	b.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	for range 2 {
		answer := b.head(t, b.raw(t, "POST", "/pub/form", "u=alice&p=wrong", len("u=alice&p=wrong"))) //nolint:bodyclose // the connection is closed
		<-app.arrived
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%d", answer.StatusCode)
		}
	}
}
