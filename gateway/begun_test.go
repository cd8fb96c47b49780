package gateway

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/relay"
)

// TestP5_AtWorkBehindAnAnswer: the app answers carol's request at once, goes on working on it afterwards, and looks up
// whose the session is when it writes. Meanwhile carol signs in as alice in the same session, which the app raises.
// What the app wrote was written as alice.
func TestP5_AtWorkBehindAnAnswer(t *testing.T) {
	for name, work := range map[string]string{"a form": "POST", "a page": "GET"} {
		t.Run(name, func(t *testing.T) {
			s, app, carol := raise(t)
			first := carol.raw(t, work, "/progress", "", 0)
			<-app.arrived
			readHead(t, first)
			sign := carol.raw(t, "POST", "/other", alicesForm, len(alicesForm))
			eventually(t, "it waits", func() bool { return s.visits() == 2 })
			if app.has("POST /other carol") {
				t.Error("the sign-in did not wait")
			}
			app.open()
			app.wantsNothingOfAlices(t, map[string]net.Conn{"sign-in": sign}, work+" /progress alice")
			if !app.has(work + " /progress carol") {
				t.Errorf("the control: the work was not done as carol: %q", app.seen)
			}
		})
	}
}

// TestP5_SignsInBehindAnAnswer: the reverse. The app answers at once and signs somebody in afterwards. What carol sends
// in between waits, and then the session is gone.
func TestP5_SignsInBehindAnAnswer(t *testing.T) {
	s, app, carol := raise(t)
	if got := carol.do("POST", "/write", asForm, "text=1"); !app.has("POST /write carol") {
		t.Fatalf("the control: %d %q", got.StatusCode, app.seen)
	}
	_ = carol.raw(t, "POST", "/progress", alicesForm, len(alicesForm))
	<-app.arrived
	write := carol.raw(t, "POST", "/write", "text=2", len("text=2"))
	page := carol.raw(t, "GET", "/page", "", 0)
	eventually(t, "both wait", func() bool { return s.visits() == 3 })
	app.open()
	app.wantsNothingOfAlices(t, map[string]net.Conn{"write": write, "page": page}, "POST /write alice", "GET /page alice")
}

// TestP5_SignInBesideAnUpload: carol uploads a document and holds back its last byte, while the app already works on
// the rest. Meanwhile she signs in as alice in the same session. The sign-in waits for the part of the upload that the
// app has.
func TestP5_SignInBesideAnUpload(t *testing.T) {
	s, app, carol := raise(t)
	document := "text=" + strings.Repeat("x", relay.WholeBody) + "&more="
	upload := carol.raw(t, "POST", "/import", document, len(document)+100)
	<-app.arrived
	sign := carol.raw(t, "POST", "/other", alicesForm, len(alicesForm))
	eventually(t, "it waits", func() bool { return s.visits() == 2 })
	if app.has("POST /other carol") {
		t.Error("the sign-in did not wait")
	}
	app.open()
	eventually(t, "the upload was worked on", func() bool { return app.has("POST /import carol") || app.has("POST /import alice") })
	app.wantsNothingOfAlices(t, map[string]net.Conn{"sign-in": sign}, "POST /import alice")
	_ = upload.Close()
}

// TestP5_LoginBesideAStrangersPage: a stranger loads a public page with the cookies of the login page. The app answers
// at once and works on afterwards. Then she signs in with alice's password, under the same cookies. The login waits for
// the page.
func TestP5_LoginBesideAStrangersPage(t *testing.T) {
	app := newGated()
	s := newRaising(t, func(c *Config) { c.Public = gate.Open("/static/*") })
	s.serve(app.upstream(t))
	s.carol(t)
	stranger := s.browser()
	stranger.do("GET", "/login", "", "").wants(t, http.StatusOK, "")
	first := stranger.raw(t, "GET", "/static/progress", "", 0)
	<-app.arrived
	readHead(t, first)
	login := stranger.raw(t, "POST", "/login", alicesForm, len(alicesForm))
	eventually(t, "the login waits", func() bool { return s.visits() == 2 })
	app.open()
	answer, err := http.ReadResponse(bufio.NewReader(login), nil)
	if err == nil {
		_ = answer.Body.Close()
	}
	// The challenge, for a client that does not ask for a page.
	if err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Fatalf("the control: the login was answered with %v, %v", answer, err)
	}
	if app.has("GET /static/progress alice") || !app.has("GET /static/progress ") {
		t.Errorf("the stranger's page was worked on as somebody else's: %q", app.seen)
	}
}

// readHead reads the first line of an answer that has begun. Its body is still to come.
func readHead(t *testing.T, conn net.Conn) {
	t.Helper()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		t.Fatalf("%q, %v", line, err)
	}
}
