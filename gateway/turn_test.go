package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/gateway/relay"
)

// gated is a raisingApp that makes sign-ins at /other wait, and records whose each other request is.
type gated struct {
	raisingApp
	lock    sync.Mutex
	arrived chan struct{} // gets a value for each request that waits
	release chan struct{}
	once    sync.Once
	tick    chan struct{} // makes each open stream say something
	gone    chan struct{} // closed when a stream has lost its reader
	leaves  sync.Once
	seen    []string
}

func newGated() *gated {
	return &gated{
		arrived: make(chan struct{}, 8), release: make(chan struct{}), tick: make(chan struct{}),
		gone: make(chan struct{}),
	}
}

// say makes an open stream say something, unless it was cut before.
func (a *gated) say() {
	select {
	case a.tick <- struct{}{}:
	case <-a.gone:
	}
}

// left ends a stream that has lost its reader.
func (a *gated) left() { a.leaves.Do(func() { close(a.gone) }) }

// open lets all waiting requests go on.
func (a *gated) open() { a.once.Do(func() { close(a.release) }) }

func (a *gated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/other":
		a.note(r)
		_ = r.ParseForm()
		a.arrived <- struct{}{}
		<-a.release
	case r.URL.Path == "/flushed":
		// This signs in after it has begun to answer.
		_ = r.ParseForm()
		_ = http.NewResponseController(w).Flush()
		r.URL.Path = "/other"
	case strings.HasSuffix(r.URL.Path, "/progress"):
		// This answers at once and works on afterwards. It looks up for whom when it gets to the work.
		_ = r.ParseForm()
		_, _ = io.WriteString(w, "at work")
		_ = http.NewResponseController(w).Flush()
		a.arrived <- struct{}{}
		<-a.release
		if name := r.PostForm.Get("u"); name != "" && r.PostForm.Get("p") == "pw-"+name {
			cookie, _ := r.Cookie("sid")
			a.mutex.Lock()
			a.raise(cookie.Value, name)
			a.mutex.Unlock()
		}
		a.note(r)
		return
	case r.URL.Path == "/import":
		// This works before it has the whole document.
		_, _ = io.ReadFull(r.Body, make([]byte, relay.WholeBody))
		a.arrived <- struct{}{}
		<-a.release
		a.note(r)
		return
	case r.URL.Path == "/slow":
		// This signs in at once, and answers slowly.
		if cookie, err := r.Cookie("sid"); err == nil {
			a.mutex.Lock()
			a.raise(cookie.Value, r.URL.Query().Get("n"))
			a.mutex.Unlock()
		}
		a.arrived <- struct{}{}
		<-a.release
		return
	case r.URL.Path == "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		for range 2 {
			cookie, _ := r.Cookie("sid")
			a.mutex.Lock()
			fmt.Fprintf(w, "data: of %s\n\n", a.users[cookie.Value])
			a.mutex.Unlock()
			_ = http.NewResponseController(w).Flush()
			select {
			case <-a.tick:
			case <-r.Context().Done():
				a.left()
				return
			}
		}
		return
	case r.URL.Path != "/me" && r.URL.Path != "/login":
		a.note(r)
	}
	a.raisingApp.ServeHTTP(w, r)
}

func (a *gated) note(r *http.Request) {
	who := ""
	if cookie, err := r.Cookie("sid"); err == nil {
		a.mutex.Lock()
		who = a.users[cookie.Value]
		a.mutex.Unlock()
	}
	a.lock.Lock()
	defer a.lock.Unlock()
	a.seen = append(a.seen, r.Method+" "+r.URL.Path+" "+who)
}

func (a *gated) has(request string) bool {
	a.lock.Lock()
	defer a.lock.Unlock()
	return slices.Contains(a.seen, request)
}

// raise starts a site in front of a gated app, where alice is enrolled and carol is signed in.
func raise(t *testing.T) (s *site, app *gated, carol *browser) {
	t.Helper()
	app = newGated()
	s = newRaising(t, nil)
	s.serve(app.upstream(t))
	return s, app, s.carol(t)
}

// carol signs carol in, after alice has enrolled.
func (s *site) carol(t *testing.T) *browser {
	t.Helper()
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	carol := s.browser()
	if got := carol.do("POST", "/login", asForm, "u=carol&p=pw-carol"); got.body != "welcome, carol" {
		t.Fatalf("carol: %d %s", got.StatusCode, got.body)
	}
	return carol
}

// upstream serves the app, and returns the rest of a route that leads to it.
func (a *gated) upstream(t *testing.T) Handler { return upstreamOf(t, a, a.open) }

// upstreamOf serves an app, and calls open at the end of the test.
func upstreamOf(t *testing.T, app http.Handler, open func()) Handler {
	t.Helper()
	upstream := httptest.NewServer(app)
	t.Cleanup(func() {
		open()
		upstream.Close()
	})
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		proxy := &httputil.ReverseProxy{
			Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target) },
			ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, failed error) { err = failed },
		}
		proxy.ServeHTTP(w, r)
		return err
	}
}

// raw sends a request with carol's cookies, on a connection of its own.
func (b *browser) raw(t *testing.T, method, path, body string, length int) *net.TCPConn {
	t.Helper()
	return b.rawRest(t, method, path, fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", asForm, length, body))
}

// rawRest is raw for a request whose end, after the cookies, is given.
func (b *browser) rawRest(t *testing.T, method, path, rest string) *net.TCPConn {
	t.Helper()
	address, _ := url.Parse(b.s.server.URL)
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var cookies []string
	for _, cookie := range b.client.Jar.Cookies(address) {
		cookies = append(cookies, cookie.String())
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n%s", method, path, address.Host, strings.Join(cookies, "; "), rest)
	return conn.(*net.TCPConn)
}

// eventually waits until what other goroutines do is done.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(what)
		}
	}
}

// visits returns how many requests of sessions that may be raised are under way.
func (s *site) visits() (count int) { return s.gateway.site.Raising.Visiting() }

const alicesForm = "u=alice&p=pw-alice"

// TestP5_NothingBesideARaise: carol posts alice's password to an address that no login describes, in an app that raises
// the session under the cookie that it has, and sends another request at the same moment. The answer to that was
// withheld, but the app had carried it out as alice's.
func TestP5_NothingBesideARaise(t *testing.T) {
	s, app, carol := raise(t)
	if got := carol.do("POST", "/write", asForm, "text=1"); !app.has("POST /write carol") {
		t.Fatalf("the control: %d %q", got.StatusCode, app.seen)
	}
	first := carol.raw(t, "POST", "/other", alicesForm, len(alicesForm))
	<-app.arrived
	write := carol.raw(t, "POST", "/write", "text=2", len("text=2"))
	page := carol.raw(t, "GET", "/page", "", 0)
	eventually(t, "both wait", func() bool { return s.visits() == 3 })
	if app.has("GET /page carol") {
		t.Error("the page did not wait")
	}
	app.open()
	app.wantsNothingOfAlices(t, map[string]net.Conn{"raise": first, "write": write, "page": page}, "POST /write alice", "GET /page alice")
	eventually(t, "all are settled", func() bool { return s.visits() == 0 })
}

// wantsNothingOfAlices reads the answers, none of which may say anything, and checks that the app did not take these
// requests for alice's.
func (a *gated) wantsNothingOfAlices(t *testing.T, answers map[string]net.Conn, requests ...string) {
	t.Helper()
	for what, conn := range answers {
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK || strings.Contains(string(body), "secrets") {
			t.Errorf("%s: %d %s", what, answer.StatusCode, body)
		}
	}
	for _, request := range requests {
		if a.has(request) {
			t.Errorf("the app took it for alice's: %s", request)
		}
	}
}

// TestP5_HangUpIsSeenToItsEnd is the same, but the client that sent the password has left before the app answers. The
// result is found out all the same, before anything else of the session goes to the app.
func TestP5_HangUpIsSeenToItsEnd(t *testing.T) {
	for _, how := range []string{"half-closed", "closed"} {
		s, app, carol := raise(t)
		conn := carol.raw(t, "POST", "/other", alicesForm, len(alicesForm))
		<-app.arrived
		if how == "closed" {
			_ = conn.Close()
		} else {
			_ = conn.CloseWrite()
		}
		page := carol.raw(t, "GET", "/page", "", 0)
		eventually(t, "the page waits", func() bool { return s.visits() == 2 })
		app.open()
		answer, err := http.ReadResponse(bufio.NewReader(page), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK || app.has("GET /page alice") {
			t.Errorf("%s: %d %q", how, answer.StatusCode, app.seen)
		}
	}
}

// TestP5_BrokenOffNeverArrives: some apps use the part of a form that they got. A form that is broken off within a
// reasonable length does not reach them.
func TestP5_BrokenOffNeverArrives(t *testing.T) {
	s, app, carol := raise(t)
	conn := carol.raw(t, "POST", "/other", alicesForm+"&x="+strings.Repeat("x", 64<<10), 128<<10)
	eventually(t, "it is there", func() bool { return s.visits() == 1 })
	if got := carol.get("/page"); !app.has("GET /page carol") {
		t.Errorf("a slow body keeps others waiting: %d", got.StatusCode)
	}
	_ = conn.Close()
	eventually(t, "it is given up", func() bool { return s.visits() == 0 })
	if app.has("POST /other carol") {
		t.Error("a part of it reached the app")
	}
	// The control: the whole form reaches the app.
	app.open()
	carol.do("POST", "/other", asForm, alicesForm).wants(t, http.StatusSeeOther, "/second-factor/challenge")
}

// TestTurns_ALimitIsNoHangUp: if a body is longer than the operator allows, the handler that set the limit answers.
func TestTurns_ALimitIsNoHangUp(t *testing.T) {
	s, app, carol := raise(t)
	app.open()
	next := app.upstream(t)
	var failed error
	limited := *s
	limited.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 10)
		if failed = s.gateway.ServeHTTP(w, r, next); failed != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}))
	t.Cleanup(limited.server.Close)
	there := &browser{s: &limited, client: carol.client}
	if got := there.do("POST", "/write", asForm, strings.Repeat("x", 100)); got.StatusCode != http.StatusRequestEntityTooLarge || app.has("POST /write carol") {
		t.Errorf("%d %v", got.StatusCode, failed)
	}
	there.do("POST", "/write", asForm, "x=1")
	if !app.has("POST /write carol") {
		t.Error("the control: a short one")
	}
}

// TestP5_RaisedBehindTheHead: an app begins to answer before it signs somebody in. What the gateway asked at the
// beginning was too early.
func TestP5_RaisedBehindTheHead(t *testing.T) {
	_, app, carol := raise(t)
	carol.do("POST", "/flushed", asForm, alicesForm)
	got := carol.get("/page")
	if got.StatusCode == http.StatusOK || app.has("GET /page alice") {
		t.Errorf("%d %s %q", got.StatusCode, got.body, app.seen)
	}
	carol.wantsState("pending", "alice")
}

// TestP5_StreamBesideARaise: carol has a stream of events open when she posts alice's password to an app that takes its
// time to answer. What the app sends in the stream meanwhile may be alice's: it waits, and is cut.
func TestP5_StreamBesideARaise(t *testing.T) {
	for _, how := range []string{"POST", "upload"} {
		_, app, carol := raise(t)
		stream := carol.raw(t, "GET", "/events", "", 0)
		answer, err := http.ReadResponse(bufio.NewReader(stream), nil)
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, len("data: of carol\n\n"))
		if _, err := io.ReadFull(answer.Body, first); err != nil || string(first) != "data: of carol\n\n" {
			t.Fatalf("the control: %q %v", first, err)
		}
		if how == "upload" {
			carol.raw(t, "POST", "/slow?n=alice", strings.Repeat("x", relay.WholeBody+8<<10), 10<<20)
		} else {
			carol.raw(t, "POST", "/slow?n=alice", "", 0)
		}
		<-app.arrived
		app.say()
		app.say() // the app has said it
		app.open()
		rest, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if strings.Contains(string(rest), "alice") {
			t.Errorf("%s: carol's stream says %q", how, rest)
		}
	}
}
