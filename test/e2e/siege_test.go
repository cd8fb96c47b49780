package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// siegeBlock is ledgerBlock with a required second factor, so that there are enrolling sessions too.
const siegeBlock = ledgerBlock + `
		require everyone
		pass_header X-Mark X-Leak X-Switch
`

// siege is the app behind a gateway, with one user who may enter and all who may not.
type siege struct {
	*ledger
	// upstream is the app's own address, past the gateway. It is used only to show that an attack would work on the
	// app.
	upstream string
	// alice is verified: the positive control of each test.
	alice besieger
	// bob is verified too, with an account and a factor of his own. He tries to be alice.
	bob besieger
	// outside are the clients that are not verified.
	outside []besieger
	// aliceSession is the app's session that is held for alice, and pendingSession the one held for her pending
	// session.
	aliceSession, pendingSession string

	dial func() (net.Conn, error)
}

// marks counts the requests that were fired in this run, over all sites.
var marks atomic.Int64

// besieger is a client with a session of the gateway's, or with none.
type besieger struct {
	name  string
	token string
}

// everybody returns all clients that must not be alice.
func (s *siege) everybody() []besieger { return append([]besieger{s.bob}, s.outside...) }

// newSiege starts a site. lines follow siegeBlock, or add to what it says is public or passed. wrap may stand between
// gateway and app.
func newSiege(t testing.TB, knobs demo.Knobs, lines string, wrap func(http.Handler) http.Handler, options ...site.Options) *siege {
	t.Helper()
	knobs.Record = 20000
	users := append(demo.DefaultUsers(), demo.User{Login: "carol", Password: "carol-password"})
	app := demo.New(demo.Options{Knobs: knobs, Users: users})
	t.Cleanup(app.Close)
	var handler http.Handler = app
	if wrap != nil {
		handler = wrap(app)
	}
	block := siegeBlock
	for line := range strings.Lines(lines) {
		switch word, more, _ := strings.Cut(strings.TrimSpace(line), " "); {
		case word == "public" && more[0] == '/':
			block = strings.Replace(block, "public  /static/*", "public /static/* "+more, 1)
		case word == "pass":
			block = strings.Replace(block, "pass    theme", "pass theme "+more, 1)
		default:
			block += line
		}
	}
	s := &siege{upstream: site.Serve(t, handler)}
	s.ledger = &ledger{Site: site.Start(t, s.upstream, block, append(options, site.Options{})[0]), app: app}
	s.dial = func() (net.Conn, error) { return net.Dial("tcp", s.Address) } //nolint:noctx // loopback

	alice, _ := s.enrolNew(t, "alice", demo.AlicePassword)
	alice.Get("/files").Wants(t, http.StatusOK, "")
	s.alice = besieger{"verified as alice", alice.Token()}
	s.aliceSession = s.heldBy("alice")

	bob, _ := s.enrolNew(t, "bob", demo.BobPassword)
	s.bob = besieger{"verified as bob", bob.Token()}

	pending := s.Client(t)
	signIn(t, pending, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	s.pendingSession = s.heldBy("alice")
	enrolling := s.Client(t)
	signIn(t, enrolling, "carol", "carol-password").Wants(t, http.StatusSeeOther, "/second-factor/setup")
	visitor := s.Client(t)
	visitor.Get("/login").Wants(t, http.StatusOK, "")
	s.outside = []besieger{
		{"stranger", ""},
		{"anonymous", visitor.Token()},
		{"pending as alice", pending.Token()},
		{"enrolling as carol", enrolling.Token()},
		{"with a made-up token", strings.Repeat("A", 43)},
	}
	if s.pendingSession == s.aliceSession || visitor.Token() == "" {
		t.Fatal("the sessions are not what they should be")
	}
	return s
}

// pastTheGateway makes a connection to the app itself.
func (s *siege) pastTheGateway() (net.Conn, error) { return net.Dial("tcp", s.upstream) } //nolint:noctx // loopback

// enrolNew signs in a user who must set up a factor first, and sets it up.
func (s *siege) enrolNew(t testing.TB, name, password string) (*site.Client, *site.Authenticator) {
	t.Helper()
	c := s.Client(t)
	signIn(t, c, name, password).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	c.Own("/setup", "/setup", nil).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	authenticator := site.NewAuthenticator(site.Find(t, site.Secret, c.Get("/second-factor/setup").Text), skew)
	c.Own("/setup", "/setup/confirm", url.Values{"code": {authenticator.Code(t)}}).Wants(t, http.StatusSeeOther, "")
	return c, authenticator
}

// heldBy returns the value of the session cookie that the gateway last sent to the app for this account.
func (s *siege) heldBy(login string) string {
	value := ""
	for _, received := range s.app.Received() {
		if received.Login != login {
			continue
		}
		request := http.Request{Header: received.Header}
		if cookie, err := request.Cookie(demo.SessionCookie); err == nil {
			value = cookie.Value
		}
	}
	return value
}

// shot is a request that was sent, and its result.
type shot struct {
	// text is everything that came back, byte for byte.
	text string
	// status is the status of the final answer; 0 if none came.
	status int
	// received is what reached the app, if anything did.
	received []demo.Received
	// asked are the gateway's own questions who is signed in, which carry the headers of the request.
	asked []demo.Received
}

// header reports whether the head of the answer has a line that begins so, in any case.
func (a shot) header(name string) string {
	head, _, _ := strings.Cut(a.text, "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n") {
		if key, value, found := strings.Cut(line, ":"); found && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fire sends a request as the besieger, over a connection of its own, byte for byte as given. Each line is a header
// line without its end. The request carries a mark by which it can be recognised when it reaches the app.
func (s *siege) fire(t testing.TB, who besieger, method, target string, lines ...string) shot {
	t.Helper()
	return s.fireBody(t, who, method, target, "", lines...)
}

func (s *siege) fireBody(t testing.TB, who besieger, method, target, body string, lines ...string) shot {
	t.Helper()
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, s.Address)
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return s.fireRaw(t, head, body, append(s.cookieLine(who), lines...)...)
}

// cookieLine returns the header line with the besieger's token.
func (s *siege) cookieLine(who besieger) []string {
	if who.token == "" {
		return nil
	}
	return []string{"Cookie: sallyport=" + who.token}
}

// keepAlive keeps the connection open for a while after the answer, because there may be another answer, to what was
// smuggled.
const keepAlive = "Connection: keep-alive"

// fireRaw adds the mark and the end of the head, sends, and reads until the server closes the connection.
func (s *siege) fireRaw(t testing.TB, head, body string, lines ...string) shot {
	t.Helper()
	mark := fmt.Sprintf("%s-%d", t.Name(), marks.Add(1))
	closes, linger := true, time.Duration(0)
	for _, line := range lines {
		head += line + "\r\n"
		closes = closes && !strings.HasPrefix(strings.ToLower(line), "connection:")
		if line == keepAlive {
			linger = 300 * time.Millisecond
		}
	}
	if closes {
		head += "Connection: close\r\n"
	}
	_, target, _ := strings.Cut(head, " ")
	text := s.talk(t, head+"X-Mark: "+mark+"\r\n\r\n"+body, linger)
	result := shot{text: text, status: finalStatus(text)}
	for _, received := range s.app.Received() {
		switch {
		case received.Header.Get("X-Mark") != mark:
		case isQuestion(received) && !strings.HasPrefix(target, received.URI+" "):
			result.asked = append(result.asked, received)
		default:
			result.received = append(result.received, received)
		}
	}
	return result
}

// isQuestion reports whether the app was asked who is signed in, as siegeBlock says.
func isQuestion(received demo.Received) bool {
	return received.Method == http.MethodGet && received.URI == "/api/me" && len(received.Body) == 0
}

// talk sends bytes and returns what comes back until the answer is complete, and for a time of linger after that.
func (s *siege) talk(t testing.TB, text string, linger time.Duration) string {
	t.Helper()
	conn, err := s.dial()
	if err != nil {
		t.Errorf("dial: %v", err)
		return ""
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Error(err)
	}
	// The server may refuse, and close, before it has read everything.
	_, _ = io.WriteString(conn, text)
	var all strings.Builder
	from := io.TeeReader(conn, &all)
	reader := bufio.NewReader(from)
	method, _, _ := strings.Cut(text, " ")
	for {
		answer, err := http.ReadResponse(reader, &http.Request{Method: method}) //nolint:bodyclose // over with the connection
		if err != nil {
			return all.String()
		}
		if answer.StatusCode != http.StatusSwitchingProtocols {
			_, _ = io.Copy(io.Discard, answer.Body)
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			if linger > 0 {
				_ = conn.SetReadDeadline(time.Now().Add(linger))
				_, _ = io.Copy(io.Discard, from)
			}
			return all.String()
		}
	}
}

// finalStatus returns the status of the first answer that is not 1xx, or that is 101.
func finalStatus(text string) int {
	reader := bufio.NewReader(strings.NewReader(text))
	for {
		answer, err := http.ReadResponse(reader, nil) //nolint:bodyclose // read from memory
		if err != nil {
			return 0
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer.StatusCode
		}
	}
}

// repelled fails the test if a request reached the app, or if the answer is anything but a refusal.
func repelled(t testing.TB, what string, got shot) {
	t.Helper()
	if len(got.received) > 0 {
		t.Errorf("%s reached the app: %s %s as %q", what, got.received[0].Method, got.received[0].URI, got.received[0].Login)
	}
	// Caddy gives an empty answer if no site is meant, and so does the server itself for `OPTIONS *`.
	nothing := got.status == http.StatusOK && strings.HasSuffix(got.text, "\r\n\r\n") && got.header("Content-Length") == "0"
	if nothing {
		return
	}
	switch got.status {
	case 0, http.StatusSeeOther, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusHTTPVersionNotSupported, http.StatusNotImplemented, http.StatusUnsupportedMediaType,
		http.StatusMisdirectedRequest, http.StatusRequestHeaderFieldsTooLarge, http.StatusLengthRequired:
	default:
		t.Errorf("%s was answered with %d:\n%.600s", what, got.status, got.text)
	}
	if strings.Contains(got.text, "Opening balance") || strings.Contains(got.text, "X-Ledger-User") {
		t.Errorf("%s was shown something of the app's:\n%.600s", what, got.text)
	}
}

// secureDoor adds the same site on https, with a certificate that Caddy makes. Its sessions are the same as on http.
func (s *siege) secureDoor(t testing.TB) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	_ = listener.Close()
	caddyfile := s.Caddyfile()
	at := strings.Index(caddyfile, s.URL+" {")
	if at < 0 {
		t.Fatal("the Caddyfile has no site")
	}
	secure := strings.Replace(caddyfile[at:], s.URL+" {", "https://"+address+" {\n\ttls internal", 1)
	caddyfile = strings.Replace(caddyfile, "\tpersist_config off", "\tpersist_config off\n\tskip_install_trust\n\tauto_https disable_redirects", 1)
	s.Write(caddyfile + secure)
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := tls.Dial("tcp", address, insecure()) //nolint:noctx // loopback
		if err == nil {
			_ = conn.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("no TLS at %s: %v", address, err)
		}
	}
}

// insecure accepts any certificate, because these tests do not check who the gateway is.
func insecure(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}
}
