package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// socketed is a gated app that has tunnels too. It says whose the session is whenever it gets a message or a test tells
// it to, and it records the message, and as whose request it came.
type socketed struct{ *gated }

func (a socketed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/drip":
		// This begins to answer before it signs in, and goes on afterwards.
		_ = r.ParseForm()
		fmt.Fprint(w, "begun")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-a.tick:
		case <-r.Context().Done():
			a.left()
			return
		}
		if r.PostForm.Get("p") == "pw-"+r.PostForm.Get("u") {
			a.mutex.Lock()
			a.raise(sid(r), r.PostForm.Get("u"))
			a.mutex.Unlock()
		}
		a.mutex.Lock()
		fmt.Fprint(w, ", secrets of ", a.users[sid(r)])
		a.mutex.Unlock()
		_ = http.NewResponseController(w).Flush()
	default:
		a.gated.ServeHTTP(w, r)
	}
}

func sid(r *http.Request) string {
	cookie, err := r.Cookie("sid")
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (a socketed) socket(read io.Reader, write io.Writer, r *http.Request) {
	buffered := bufio.NewReader(read)
	said := make(chan string)
	go func() {
		defer close(said)
		for {
			line, err := buffered.ReadString('\n')
			if err != nil {
				return
			}
			said <- strings.TrimSpace(line)
		}
	}()
	for {
		select {
		case line, open := <-said:
			if !open {
				a.left()
				return
			}
			a.note(&http.Request{Method: "SAY", URL: &url.URL{Path: line}, Header: r.Header})
		case <-a.tick:
		}
		a.mutex.Lock()
		who := a.users[sid(r)]
		a.mutex.Unlock()
		fmt.Fprintf(write, "of %s\n", who)
	}
}

// tunnelTo answers a handshake as Caddy's proxy does, and connects the tunnel to the app.
func tunnelTo(w http.ResponseWriter, r *http.Request, app socketed) error {
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	// What the server has already read comes first.
	early := io.LimitReader(buffered, int64(buffered.Reader.Buffered()))
	app.socket(io.MultiReader(early, conn), conn, r)
	return nil
}

// dial opens a tunnel as carol, and returns both directions.
func (b *browser) dial(t *testing.T) (write io.Writer, read *bufio.Reader) {
	t.Helper()
	conn := b.rawRest(t, "GET", "/socket", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("no tunnel: %v %v", answer, err)
	}
	_ = answer.Body.Close() // it has none
	return conn, reader
}

// behindTunnels is raise with an app that has tunnels.
func behindTunnels(t *testing.T, change func(*Config)) (s *site, app socketed, carol *browser) {
	t.Helper()
	app = socketed{newGated()}
	s = newRaising(t, change)
	proxied := upstreamOf(t, app, app.open)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("Upgrade") != "" {
			return tunnelTo(w, r, app)
		}
		return proxied(w, r)
	})
	return s, app, s.carol(t)
}

// TestP5_TunnelBesideARaise: carol has a WebSocket open when she posts alice's password to an app that takes its time
// to answer. What the app said in the tunnel meanwhile was alice's, and what carol said there was done as alice.
func TestP5_TunnelBesideARaise(t *testing.T) {
	_, app, carol := behindTunnels(t, nil)
	write, read := carol.dial(t)
	fmt.Fprintln(write, "first")
	if line, err := read.ReadString('\n'); err != nil || line != "of carol\n" || !app.has("SAY first carol") {
		t.Fatalf("the control: %q %v", line, err)
	}
	carol.raw(t, "POST", "/slow?n=alice", "", 0)
	<-app.arrived
	fmt.Fprintln(write, "second")
	app.say()
	app.open()
	rest, _ := io.ReadAll(read)
	if strings.Contains(string(rest), "alice") || app.has("SAY second alice") {
		t.Errorf("the tunnel says %q; at the app: %q", rest, app.seen)
	}
}

// TestP5_TunnelIsAskedAbout: a session becomes another user's in a way that nobody saw, and only a recheck finds that
// out. An open WebSocket made no request, so nothing was ever asked, for as long as the session lived.
func TestP5_TunnelIsAskedAbout(t *testing.T) {
	s, app, carol := behindTunnels(t, func(c *Config) { c.Renews = true })
	write, read := carol.dial(t)
	carol.do("POST", "/door", asForm, "")
	app.mutex.Lock()
	for id, name := range app.users {
		if name == "carol" {
			app.users[id] = "alice"
		}
	}
	app.mutex.Unlock()
	s.clock.Advance(2 * time.Minute)
	eventually(t, "the tunnel is cut", func() bool {
		fmt.Fprintln(write, "on and on")
		line, err := read.ReadString('\n')
		return err != nil || line == ""
	})
	carol.get("/x").wants(t, http.StatusSeeOther, "/second-factor/challenge")
}

// TestP5_RaisedMidway: the app begins its answer before it looks at the password. The head was judged, and the rest was
// alice's.
func TestP5_RaisedMidway(t *testing.T) {
	_, app, carol := behindTunnels(t, nil)
	if got, err := carol.drip(t, app, "u=carol&p=pw-carol"); err != nil || got != ", secrets of carol" {
		t.Fatalf("the control: %q %v", got, err)
	}
	if got, err := carol.drip(t, app, alicesForm); strings.Contains(got, "alice") || err == nil {
		t.Errorf("carol reads %q, %v", got, err)
	}
	carol.get("/x").wants(t, http.StatusSeeOther, "/second-factor/challenge")
}

// drip posts a form to the address that answers before it signs in, and returns what came afterwards.
func (b *browser) drip(t *testing.T, app socketed, form string) (rest string, err error) {
	t.Helper()
	response, err := b.client.Post(b.s.server.URL+"/drip", asForm, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	begun := make([]byte, len("begun"))
	if _, err := io.ReadFull(response.Body, begun); err != nil || string(begun) != "begun" {
		t.Fatalf("%d %q %v", response.StatusCode, begun, err)
	}
	app.say()
	read, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return string(read), err
}

// TestP1_PublicMidway is the same for a stranger, at an address that the operator opened.
func TestP1_PublicMidway(t *testing.T) {
	s, app, _ := behindTunnels(t, func(c *Config) {
		c.Public = append(c.Public, gate.Opening{Paths: match.NewGlobs("/drip"), Methods: []string{"POST"}})
	})
	b := s.browser()
	b.get("/login").wants(t, http.StatusOK, "")
	if got, err := b.drip(t, app, "u=alice&p=wrong"); err != nil || got != ", secrets of " {
		t.Fatalf("the control: %q %v", got, err)
	}
	if got, err := b.drip(t, app, alicesForm); strings.Contains(got, "alice") || err == nil {
		t.Errorf("a stranger reads %q, %v", got, err)
	}
	for _, path := range []string{"/static/x", "/login"} {
		if got := b.get(path); got.StatusCode != http.StatusOK || strings.Contains(got.body, "alice") {
			t.Errorf("and then %s is %d %s", path, got.StatusCode, got.body)
		}
	}
}

// TestTurns_LongPost: while a POST is at the app for long, pages still come after the app was asked whose they are, and
// events go on.
func TestTurns_LongPost(t *testing.T) {
	_, app, carol := behindTunnels(t, nil)
	stream := carol.raw(t, "GET", "/events", "", 0)
	answer, err := http.ReadResponse(bufio.NewReader(stream), nil)
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("data: of carol\n\n"))
	if _, err := io.ReadFull(answer.Body, line); err != nil {
		t.Fatal(err)
	}
	const form = "u=carol&p=pw-carol"
	carol.raw(t, "POST", "/other", form, len(form))
	<-app.arrived
	app.say()
	if _, err := io.ReadFull(answer.Body, line); err != nil || string(line) != "data: of carol\n\n" {
		t.Errorf("events: %q %v", line, err)
	}
	_ = stream.Close()
	_ = answer.Body.Close()
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Errorf("a page: %d %s", got.StatusCode, got.body)
	}
	app.open()
}

// TestTurns_EventsBeginAtOnce: a stream of events has begun when its head is there, even if nothing comes for an hour.
func TestTurns_EventsBeginAtOnce(t *testing.T) {
	app := new(raisingApp)
	s := newRaising(t, nil)
	ended := make(chan struct{}, 2)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/events" {
			app.ServeHTTP(w, r)
			return nil
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- struct{}{}
		return nil
	})
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	for _, path := range []string{"/events", "/events?last=7"} {
		conn := carol.rawRest(t, "GET", path, "\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%s: %v %v", path, answer, err)
		}
		_ = conn.Close()
		_ = answer.Body.Close()
		<-ended // it ends with its client
	}
}

// TestP1_NobodyInAnotherWay: the app refuses to say who is signed in, at a moment that the client chooses, for example
// because she has asked too often. This refusal is not what the app says to strangers. It was taken for "nobody":
// alice's page was shown, and her session stayed with the stranger.
func TestP1_NobodyInAnotherWay(t *testing.T) {
	refusing := ""
	app := new(raisingApp)
	s := newRaising(t, func(c *Config) {
		c.Public = []gate.Opening{{Paths: match.NewGlobs("/other"), Methods: []string{"POST"}}, {Paths: match.NewGlobs("/pub")}}
		c.Logins.Identities = []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/me" && sid(r) != "" && refusing != "" {
			w.Header().Set("Location", refusing)
			w.WriteHeader(map[bool]int{true: http.StatusFound, false: http.StatusForbidden}[strings.HasPrefix(refusing, "/")])
			return nil
		}
		app.ServeHTTP(w, r)
		return nil
	})
	for _, refusing = range []string{"too often", "/change-password"} {
		app.mutex.Lock()
		clear(app.users) // all strangers have one session
		app.mutex.Unlock()
		b := s.browser()
		b.get("/login")
		if got := b.get("/pub"); got.body != "secrets of " {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		for _, path := range []string{"/other", "/login"} {
			if got := b.do("POST", path, asForm, "u=alice&p=pw-alice"); strings.Contains(got.body, "alice") {
				t.Errorf("%s: %s shows %d %s", refusing, path, got.StatusCode, got.body)
			}
			if got := b.get("/pub"); strings.Contains(got.body, "alice") {
				t.Errorf("%s: behind %s, a public page is %s", refusing, path, got.body)
			}
		}
	}
}

// TestAPageThatOutlivedItsSession: the app has ended its session, and shows a form to sign in where a page was asked
// for. The form belongs to a session that is thrown away with ours, so the app's login page takes its place.
func TestAPageThatOutlivedItsSession(t *testing.T) {
	app := new(raisingApp)
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	app.mutex.Lock()
	clear(app.users)
	app.mutex.Unlock()
	carol.ask("GET", "/x", "", http.Header{"Sec-Fetch-Mode": {"navigate"}}).wants(t, http.StatusSeeOther, "/login")
}

// TestP2_HandshakeIsAnsweredFirst: nobody looks at what a handler writes to a connection that it has taken over, so a
// cookie of the app's in it would reach the browser. Therefore the answer to a handshake has to be written first, as
// Caddy's proxy does, and is judged.
func TestP2_HandshakeIsAnsweredFirst(t *testing.T) {
	s, app, carol := behindTunnels(t, nil)
	answered := false
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/socket" {
			app.ServeHTTP(w, r)
			return nil
		}
		if answered {
			w.WriteHeader(http.StatusSwitchingProtocols)
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		_, _ = fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: sid=s1\r\n\r\n")
		return nil
	})
	for _, answered = range []bool{true, false} {
		conn := carol.rawRest(t, "GET", "/socket", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if taken := response.StatusCode == http.StatusSwitchingProtocols; taken != answered || response.Header.Get("Set-Cookie") != "" {
			t.Errorf("answered %t: %d %v", answered, response.StatusCode, response.Header)
		}
	}
}
