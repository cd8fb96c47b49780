package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
)

// TestP5_WebSocketOfAnotherSite: another site's page opens a WebSocket in carol's session. It is refused, and the app
// does not see it, unless the operator lists that site. A WebSocket of her own page's, and one without an origin, go
// through.
func TestP5_WebSocketOfAnotherSite(t *testing.T) {
	for origin, want := range map[string]int{
		"": http.StatusSwitchingProtocols, "own": http.StatusSwitchingProtocols, "https://app.example.com": http.StatusSwitchingProtocols,
		"https://evil.example.com": http.StatusForbidden, "null": http.StatusForbidden,
	} {
		var opened atomic.Bool
		app := new(raisingApp)
		s := newRaising(t, func(c *Config) { c.Origins = []string{"https://app.example.com"} })
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path != "/ws" {
				app.ServeHTTP(w, r)
				return nil
			}
			opened.Store(true)
			return hijack(w, r)
		})
		carol := s.carol(t)
		line := ""
		switch origin {
		case "own":
			line = "Origin: " + s.server.URL + "\r\n"
		case "":
		default:
			line = "Origin: " + origin + "\r\n"
		}
		conn := carol.rawRest(t, "GET", "/ws", line+"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // the connection is closed: to close the body would wait for its end
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		if answer.StatusCode != want || opened.Load() != (want == http.StatusSwitchingProtocols) {
			t.Errorf("%q: %d, opened %v", origin, answer.StatusCode, opened.Load())
		}
	}
}

// TestP1_MethodsThatTheAppTakes: a method that the operator does not name never reaches the app, in any state and at
// any path, and the answer names the methods that do.
func TestP1_MethodsThatTheAppTakes(t *testing.T) {
	app, reached := new(raisingApp), ""
	s := newRaising(t, func(c *Config) {
		c.Methods, c.Public = []string{"GET", "POST"}, gate.Open("/pub")
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		reached = r.Method
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.carol(t)
	for _, b := range []*browser{carol, s.browser()} {
		for _, method := range []string{"PUT", "DELETE", "HEAD", "PROPFIND", "OPTIONS"} {
			for _, path := range []string{"/x", "/pub", "/login"} {
				reached = ""
				got := b.do(method, path, "", "")
				if got.StatusCode != http.StatusMethodNotAllowed || reached != "" || strings.Contains(got.Header.Get("Allow"), method) || got.Header.Get("Allow") == "" {
					t.Errorf("%s %s: %d, allowed is %q, the app got %q", method, path, got.StatusCode, got.Header.Get("Allow"), reached)
				}
			}
		}
	}
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Errorf("the control: %d %s", got.StatusCode, got.body)
	}
}

// TestP3_PasswordInTheAddress: some clients and servers, Go's client among them, take a name and a password in a
// request's address for HTTP Basic. A stranger's request for what is public goes on without them.
func TestP3_PasswordInTheAddress(t *testing.T) {
	reached := false
	s := newRaising(t, func(c *Config) { c.Public = gate.Open("/pub") })
	s.serve(func(_ http.ResponseWriter, r *http.Request) error {
		if reached = true; r.URL.User != nil {
			t.Errorf("the rest of the route gets %s", r.URL)
		}
		return nil
	})
	own, _ := url.Parse(s.server.URL)
	conn, err := net.Dial("tcp", own.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET http://alice:pw-alice@%s/pub HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", own.Host, own.Host)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // the connection is closed: to close the body would wait for its end
	if err != nil || answer.StatusCode != http.StatusOK || !reached {
		t.Fatalf("the control: %v %v", answer, err)
	}
}

// TestP1_QueriesOfStrangers: at a public path the query is removed from every form of the address that a later handler
// may read, even if the app cannot be asked. The login's page keeps its query.
func TestP1_QueriesOfStrangers(t *testing.T) {
	for _, typed := range []bool{false, true} {
		queriesOfStrangers(t, func(c *Config) {
			if typed {
				typedOnly(c)
			}
			c.Public = gate.Open("/pub", "/open?*")
		})
	}
}

func queriesOfStrangers(t *testing.T, change func(*Config)) {
	t.Helper()
	var at []string
	s := newSite(t, demo.Knobs{}, change)
	app := new(raisingApp)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/me" && r.URL.Path != "/api/me" {
			at = append(at, r.URL.String()+" "+r.RequestURI)
		}
		app.ServeHTTP(w, r)
		return nil
	})
	b := s.browser()
	for target, want := range map[string]string{"/pub?a=1": "/pub", "/pub?": "/pub", "/open?a=1": "/open?a=1", "/login?next=/x": "/login?next=/x"} {
		at = nil
		if b.get(target); len(at) != 1 || at[0] != want+" "+want {
			t.Errorf("%s: the app gets %q", target, at)
		}
	}
}

// TestP5_OverflowOfAnother: the app raises carol's session as alice's, and the answer, which is alice's page, sets more
// than custody holds. The app cannot be asked about what did not fit. So the session ends, and nothing of the answer
// comes out.
func TestP5_OverflowOfAnother(t *testing.T) {
	app := new(raisingApp)
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/other" {
			w.Header().Set("Set-Cookie", "big="+strings.Repeat("x", custody.MaxSize)+"; HttpOnly; Path=/")
		}
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.carol(t)
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	if got := carol.do("POST", "/other", asForm, alicesForm); got.StatusCode == http.StatusOK || strings.Contains(got.body, "alice") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	carol.wantsState("anonymous", "")
}

// TestP5_UncoveredAtOnce is TestP5_UncoveredByTime with two requests at the same moment. The second must not go on
// because the first one asks.
func TestP5_UncoveredAtOnce(t *testing.T) {
	app := &remembering{path: "/", age: "; Max-Age=30", shy: true}
	s := newRemembering(t, app, nil)
	asked, release, armed := make(chan struct{}, 8), make(chan struct{}), false
	s.serve(upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if armed && r.URL.Path == "/me" && len(r.Cookies()) > 0 {
			asked <- struct{}{}
			<-release
		}
		app.ServeHTTP(w, r)
	}), func() {}))
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	carol.do("POST", "/door", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	app.shy = false
	s.clock.Advance(31 * time.Second)
	armed = true
	first := carol.rawRest(t, "GET", "/x", "Connection: close\r\n\r\n")
	<-asked
	second := carol.rawRest(t, "GET", "/y", "Connection: close\r\n\r\n")
	answered := make(chan []byte, 1)
	go func() {
		text, _ := io.ReadAll(second)
		answered <- text
	}()
	select {
	case <-asked: // it asks for itself
		close(release)
	case text := <-answered:
		close(release)
		t.Errorf("nobody was asked: %s", text)
		return
	}
	for _, text := range [][]byte{<-answered, all(first)} {
		if strings.Contains(string(text), "secrets of alice") {
			t.Errorf("carol reads %s", text)
		}
	}
}

func all(from io.Reader) []byte {
	text, _ := io.ReadAll(from)
	return text
}

// TestP5_LoginBesideAStrangersStream: a stranger has a page open that the app writes bit by bit, when alice's password
// is sent in the same browser. The app signs in under the cookie that is there. What it writes from then on is alice's.
func TestP5_LoginBesideAStrangersStream(t *testing.T) {
	for _, who := range []string{"", "alice"} {
		app := &growing{gated: newGated()}
		s := newRaising(t, func(c *Config) { c.Public = gate.Open("/log") })
		s.serve(upstreamOf(t, app, app.open))
		s.carol(t)
		b := s.browser()
		b.get("/login").wants(t, http.StatusOK, "")
		app.grows.Store(true)
		response, err := b.client.Get(s.server.URL + "/log")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		page := bufio.NewReader(response.Body)
		if line, err := page.ReadString('\n'); err != nil || line != "of \n" {
			t.Fatalf("the first piece: %d %q %v", response.StatusCode, line, err)
		}
		if who != "" {
			b.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusSeeOther, challengePage)
		}
		app.say()
		app.grows.Store(false)
		line, err := page.ReadString('\n')
		if who == "" && (err != nil || line != "of \n") || strings.Contains(line, "alice") {
			t.Errorf("%q: the page says %q, %v", who, line, err)
		}
	}
}

// TestP5_TokenBesideAnotherLogin: alice signs in as bob within her session, and sends along her own token, which is
// valid in that session. A login goes as a stranger's: the app must not know her by the token.
func TestP5_TokenBesideAnotherLogin(t *testing.T) {
	app := new(tokenApp)
	s := newTokens(t, app, nil)
	b := s.browser()
	hers := tokenIn(t, b.tokenLogin("alice").body)
	if got := b.send("GET", "/x", "", bearer(hers)); got.body != "secrets of alice" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	header := asScript.Clone()
	header.Set("Authorization", "Bearer "+hers)
	b.send("POST", "/auth/login?token="+hers, `{"username":"bob","password":"pw-bob"}`, header)
	if last := app.last(); last.URL.Path != "/auth/login" || strings.Contains(fmt.Sprint(last.Header, last.URL), hers) {
		t.Errorf("the login goes out with %v %s", last.Header, last.URL)
	}
}

// TestP5_TypedLinkThatRaisesTheBrowsers is TestP5_TypedLinkThatRaises for an app whose cookie scripts may read, so that
// the browser has it.
func TestP5_TypedLinkThatRaisesTheBrowsers(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		typedOnly(c)
		c.Public = gate.Open("/pub?*", "/plain")
		c.Pass = match.Globs(nil)
	})
	s.serve(withLinks(""))
	b := s.browser()
	b.get("/plain")
	if b.cookies()["sid"] != "guest" {
		t.Fatal("the browser has no cookie")
	}
	b.get("/pub?n=alice&w=pw-alice")
	if got := b.get("/plain"); got.body != "page of " {
		t.Errorf("a public page is %s", got.body)
	}
}

// TestP5_HeadersBesideALogin: a verified user may send headers that a stranger may not. Her login goes as a stranger's
// all the same: by a header of her choice the app would sign in by another way than the one that it is asked about.
func TestP5_HeadersBesideALogin(t *testing.T) {
	app, came := new(raisingApp), http.Header(nil)
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/me" {
			came = r.Header.Clone()
		}
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.carol(t)
	header := http.Header{"Content-Type": {asForm}, "X-Line-In": {"-2"}}
	carol.send("GET", "/x", "", header)
	if came.Get("X-Line-In") != "-2" {
		t.Fatal("the control: the header does not arrive")
	}
	carol.send("POST", "/login", alicesForm, header)
	if came.Get("X-Line-In") != "" || came.Get("Content-Type") != asForm {
		t.Errorf("the login goes out with %v", came)
	}
}

// TestP5_UnsettledAtOnce: the app did not say whose carol's cookies are, which are alice's by now. Of two requests at
// the same moment, each asks for itself.
func TestP5_UnsettledAtOnce(t *testing.T) {
	app := &remembering{path: "/"}
	s := newRemembering(t, app, nil)
	asked, release := make(chan struct{}, 8), make(chan struct{})
	var silent, armed atomic.Bool
	s.serve(upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/me" && len(r.Cookies()) > 0 {
			if silent.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			if armed.Load() {
				asked <- struct{}{}
				<-release
			}
		}
		if r.URL.Path == "/door" {
			w.Header().Add("Set-Cookie", "sid=; HttpOnly; Path=/; Max-Age=0")
		}
		app.ServeHTTP(w, r)
	}), func() {}))
	carol := s.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	if got := carol.get("/x"); got.body != "secrets of carol" {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	silent.Store(true)
	if got := carol.do("POST", "/door", asForm, alicesForm); got.StatusCode != http.StatusBadGateway {
		t.Fatalf("the app says it: %d", got.StatusCode)
	}
	silent.Store(false)
	armed.Store(true)
	first := carol.rawRest(t, "GET", "/x", "Connection: close\r\n\r\n")
	<-asked
	second := carol.rawRest(t, "GET", "/y", "Connection: close\r\n\r\n")
	answered := make(chan []byte, 1)
	go func() { answered <- all(second) }()
	var text []byte
	select {
	case <-asked: // it asks for itself
		close(release)
		text = <-answered
	case text = <-answered:
		close(release)
		t.Error("nobody was asked")
	}
	if strings.Contains(string(text)+string(all(first)), "secrets of alice") {
		t.Errorf("carol reads %s", text)
	}
}
