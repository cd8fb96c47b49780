package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
)

// A WebSocket's opening, and one of HTTP/2 without TLS.
var (
	openWebSocket = []string{
		"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}
	openHTTP2 = []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"}
)

// TestP1_WebSockets: the gateway does not see what is said inside a WebSocket, which may be a password. Nobody who is
// not verified opens one, on any path, not even on public and login pages.
func TestP1_WebSockets(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	for _, path := range []string{"/ws", "/", "/static/style.css", "/login", "/favicon.ico", "/static/../ws"} {
		for _, who := range s.outside {
			for _, upgrade := range [][]string{
				openWebSocket,
				{"Connection: keep-alive, Upgrade", "Upgrade: WebSocket", openWebSocket[2], openWebSocket[3]},
				{"Connection: upgrade", "Upgrade: websocket, h2c", openWebSocket[2], openWebSocket[3]},
				{"Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket", openWebSocket[2], openWebSocket[3]},
				{"Connection: Upgrade", "Upgrade: tls/1.0"},
				{"Connection: close", "Upgrade: websocket", openWebSocket[2], openWebSocket[3]},
				{"Connection: Upgrade", "Upgrade:", openWebSocket[2], openWebSocket[3]},
			} {
				repelled(t, who.name+": "+path+" "+upgrade[1], s.fire(t, who, "GET", path, upgrade...))
			}
		}
	}
	if got := s.fire(t, s.alice, "GET", "/ws", openWebSocket...); got.status != http.StatusSwitchingProtocols || got.received[0].Login != "alice" {
		t.Errorf("a verified session does not get its WebSocket: %d", got.status)
	}
}

// TestP1_HTTP2WithoutTLS: `Upgrade: h2c` makes many servers speak HTTP/2 on the connection, through every proxy that
// only looks at the first request. It never gets to the app; in a verified session the request does, without the
// upgrade. The gateway itself does not accept the upgrade to HTTP/2 without TLS either.
func TestP1_HTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	for _, path := range []string{"/files", "/static/style.css", "/login"} {
		for _, who := range s.outside {
			repelled(t, who.name+": "+path, s.fire(t, who, "GET", path, openHTTP2...))
			repelled(t, who.name+": alone "+path, s.fire(t, who, "GET", path, openHTTP2[1]))
		}
	}
	got := s.fire(t, s.alice, "GET", "/echo", openHTTP2...)
	if len(got.received) != 1 {
		t.Fatalf("a verified session's request got lost: %d", got.status)
	}
	for _, name := range []string{"Upgrade", "Http2-Settings", "Connection"} {
		if values := got.received[0].Header[name]; values != nil {
			t.Errorf("the app was sent %s: %q", name, values)
		}
	}
	// Caddy itself accepts HTTP/2 without TLS from clients that begin with it. The gate applies there as well.
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	s.guards(t, transport, s.URL, "sallyport", "HTTP/2.0")
}

// guards tries the main ways in over another transport, and checks that they are open for alice.
func (s *siege) guards(t *testing.T, transport http.RoundTripper, base, cookie, proto string) {
	t.Helper()
	ask := func(who besieger, method, path string) (status int, received []demo.Received) {
		t.Helper()
		mark := fmt.Sprintf("%s-%d", t.Name(), marks.Add(1))
		request, err := http.NewRequestWithContext(t.Context(), method, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"X-Mark": {mark}, "X-Second-Factor-User": {"alice"}}
		if who.token != "" {
			request.Header.Set("Cookie", cookie+"="+who.token)
		}
		answer, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer answer.Body.Close()
		if answer.Proto != proto {
			t.Fatalf("spoken was %s, want %s", answer.Proto, proto)
		}
		for _, line := range answer.Header["Set-Cookie"] {
			if strings.HasPrefix(line, demo.SessionCookie) {
				t.Errorf("%s %s: the app's cookie went out: %s", method, path, line)
			}
		}
		for _, one := range s.app.Received() {
			if one.Header.Get("X-Mark") == mark {
				received = append(received, one)
			}
		}
		return answer.StatusCode, received
	}
	for _, path := range []string{"/files", "/api/entries", "/static/private/statement.txt", "/static/..%2ffiles", "//files", "/login;x"} {
		for _, method := range []string{"GET", "POST", "PROPFIND", "get", "TRACE"} {
			for _, who := range s.outside {
				if status, received := ask(who, method, path); len(received) > 0 || status < 300 {
					t.Errorf("%s over %s: %s %s got %d, received %d", who.name, proto, method, path, status, len(received))
				}
			}
		}
	}
	if status, received := ask(s.alice, "GET", "/files"); status != http.StatusOK || len(received) != 1 || received[0].Login != "alice" {
		t.Errorf("alice over %s: %d %+v", proto, status, received)
	}
	// What a stranger may see: no header of HTTP/3 says that there is no body.
	for _, path := range []string{"/static/style.css", "/login"} {
		for _, method := range []string{"GET", "HEAD"} {
			if status, received := ask(s.outside[0], method, path); status != http.StatusOK || len(received) != 1 {
				t.Errorf("%s %s over %s: %d, received %d", method, path, proto, status, len(received))
			}
		}
		for name, body := range map[string]io.Reader{"known": strings.NewReader("username=alice"), "unknown": io.MultiReader(strings.NewReader("username=alice"))} {
			request, err := http.NewRequestWithContext(t.Context(), "GET", base+path, body)
			if err != nil {
				t.Fatal(err)
			}
			s.app.ForgetReceived()
			answer, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatalf("GET %s with a body of %s length: %v", path, name, err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode < 300 || len(s.app.Received()) != 0 {
				t.Errorf("GET %s with a body of %s length over %s: %d, received %d", path, name, proto, answer.StatusCode, len(s.app.Received()))
			}
		}
	}
	if _, received := ask(s.outside[2], "GET", "/static/style.css"); len(received) != 1 || received[0].Login != "" || received[0].Header["X-Second-Factor-User"] != nil {
		t.Errorf("a public path over %s: %+v", proto, received)
	}
}

// TestP1_ConnectAndTrace: CONNECT asks for a tunnel to any address that the client names. TRACE asks for the request as
// the app got it, with its held cookies. Nobody gets either, not on a public path and not in a verified session.
func TestP1_ConnectAndTrace(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	for _, who := range append(s.everybody(), s.alice) {
		for _, target := range []string{s.Address, s.upstream, "/files", "/static/style.css", "/login", "*"} {
			repelled(t, who.name+": CONNECT "+target, s.fire(t, who, "CONNECT", target))
			repelled(t, who.name+": CONNECT "+target, s.fire(t, who, "CONNECT", target, openWebSocket...))
			repelled(t, who.name+": CONNECT "+target, s.fire(t, who, "CONNECT", target, "X-Protocol: websocket"))
		}
		for _, method := range []string{"TRACE", "TRACK"} {
			for _, target := range []string{"/echo", "/static/style.css", "/login", "/second-factor/status"} {
				got := s.fire(t, who, method, target, "Cookie: theme=dark")
				repelled(t, who.name+": "+method+" "+target, got)
				if got.status == http.StatusOK || strings.Contains(got.text, "theme=dark") || strings.Contains(got.text, s.aliceSession) {
					t.Errorf("%s: %s %s repeats the request:\n%s", who.name, method, target, got.text)
				}
			}
		}
	}
	if got := s.fire(t, s.alice, "GET", "/echo"); len(got.received) != 1 || got.received[0].Login != "alice" {
		t.Errorf("a verified session does not reach the app: %d", got.status)
	}
}

// TestP1_RequestTargets: a client may write the address of a request as a whole URL, as to a proxy, or without slashes,
// or leave it empty. The gate judges the same path that the app is sent, or the request ends here.
func TestP1_RequestTargets(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LoosePaths: true}, "", nil)
	for _, target := range []string{
		"http://" + s.Address + "/files", "http://" + s.Address + "//files", "http://" + s.Address + "/static/..%2ffiles",
		"http://" + s.upstream + "/files", "http://" + s.upstream + "/static/..%2ffiles", "http://evil.example/static/style.css",
		"HTTP://" + s.Address + "/files", "https://" + s.Address + "/files", "ftp://" + s.Address + "/files",
		"http://login@" + s.Address + "/files", "http:files", "http:/files", "http:static/style.css", "http:///files", "http:////files",
		"file:///files", "*", "?", "#", "?/static/style.css", "files", "static/style.css", s.Address + "/files", "/static/style.css#/../../files",
		"/static/#/../../files", "/static/%23/../../files", "/static/%3f/../../files", "/files?/static/style.css", "/files#/static/style.css",
		"/files%23/static/style.css", "/files%3f/static/style.css", "/files;/static/style.css", "\\files", "/static/\\..\\..\\files",
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			for _, who := range s.outside {
				repelled(t, who.name+": "+method+" "+target, s.fire(t, who, method, target))
			}
		}
	}
	for _, target := range []string{"http://" + s.Address + "/files", "/files?/static/style.css", "HTTP://" + s.Address + "/files"} {
		if got := s.fire(t, s.alice, "GET", target); len(got.received) != 1 || got.received[0].Path != "/files" {
			t.Errorf("%s in a verified session: %d %+v", target, got.status, got.received)
		}
	}
}

// TestP1_OldHTTP: HTTP/1.0 knows no Host and no chunks, and 0.9 no headers. A gate that relies on one of them would be
// open.
func TestP1_OldHTTP(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	for _, who := range s.outside {
		for _, head := range []string{
			"GET /files HTTP/1.0\r\n", "GET /files HTTP/1.0\r\nHost: " + s.Address + "\r\n", "GET /files HTTP/1.0\r\nHost: \r\n",
			"GET /files HTTP/1.1\r\n", "GET /files HTTP/0.9\r\n", "GET /files HTTP/2.0\r\nHost: " + s.Address + "\r\n",
			"GET /files HTTP/3.0\r\nHost: " + s.Address + "\r\n", "GET /files\r\n", "GET  /files HTTP/1.1\r\nHost: " + s.Address + "\r\n",
			"GET /files HTTP/1.1 HTTP/1.1\r\nHost: " + s.Address + "\r\n", "POST /files HTTP/1.0\r\nHost: " + s.Address + "\r\nTransfer-Encoding: chunked\r\n",
		} {
			repelled(t, fmt.Sprintf("%s: %q", who.name, head), s.fireRaw(t, head, "", s.cookieLine(who)...))
		}
	}
	got := s.fireRaw(t, "GET /files HTTP/1.0\r\nHost: "+s.Address+"\r\n", "", s.cookieLine(s.alice)...)
	if got.status != http.StatusOK || len(got.received) != 1 || got.received[0].Login != "alice" {
		t.Errorf("HTTP/1.0 in a verified session: %d", got.status)
	}
}

// TestP1_Hosts: two Host headers, or one that names another site, may make a front server and the app disagree about
// what is asked for.
func TestP1_Hosts(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	host := "Host: " + s.Address + "\r\n"
	for _, lines := range []string{
		host + host, host + "Host: evil.example\r\n", "Host: evil.example\r\n" + host, "Host: evil.example\r\n", "Host: " + s.upstream + "\r\n",
		"Host: " + s.Address + ", evil.example\r\n", "Host: " + s.Address + "/static\r\n", "Host: user@" + s.Address + "\r\n", "Host: " + s.Address + "\x00\r\n",
		"Host:\r\n", " " + host, "Host : " + s.Address + "\r\n", "Host: " + s.Address + "\r\n evil.example\r\n",
	} {
		for _, path := range []string{"/files", "/api/entries"} {
			for _, who := range s.outside {
				repelled(t, fmt.Sprintf("%s: %s %q", who.name, path, lines), s.fireRaw(t, "GET "+path+" HTTP/1.1\r\n"+lines, "", s.cookieLine(who)...))
			}
		}
	}
	for _, twice := range []string{host + host, host + "Host: evil.example\r\n"} {
		if got := s.fireRaw(t, "GET /files HTTP/1.1\r\n"+twice, "", s.cookieLine(s.alice)...); got.status != http.StatusBadRequest {
			t.Errorf("two Host headers: %d", got.status)
		}
	}
	if got := s.fireRaw(t, "GET /files HTTP/1.1\r\n"+host, "", s.cookieLine(s.alice)...); len(got.received) != 1 || got.received[0].Host != s.Address {
		t.Errorf("one Host header in a verified session: %d", got.status)
	}
}
