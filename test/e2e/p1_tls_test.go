package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// secureCookie is the name of the gateway's cookie on https.
const secureCookie = "__Host-sallyport"

// TestP1_OverTLS: every protocol that the server speaks leads to the same gate.
func TestP1_OverTLS(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LoosePaths: true}, "", nil)
	address := s.secureDoor(t)
	first := new(http.Protocols)
	first.SetHTTP1(true)
	second := new(http.Protocols)
	second.SetHTTP2(true)
	third := &http3.Transport{TLSClientConfig: insecure()}
	t.Cleanup(func() { _ = third.Close() })
	for _, over := range []struct {
		proto     string
		transport http.RoundTripper
	}{
		{"HTTP/1.1", &http.Transport{TLSClientConfig: insecure(), Protocols: first}},
		{"HTTP/2.0", &http.Transport{TLSClientConfig: insecure(), Protocols: second}},
		{"HTTP/3.0", third},
	} {
		t.Run(over.proto, func(t *testing.T) { s.guards(t, over.transport, "https://"+address, secureCookie, over.proto) })
	}

	s.dial = func() (net.Conn, error) { return tls.Dial("tcp", address, insecure("http/1.1")) } //nolint:noctx // loopback
	s.Address = address
	for _, who := range s.outside {
		who.token = "x; __Host-sallyport=" + who.token
		for _, path := range []string{"/ws", "/static/style.css", "/login"} {
			repelled(t, who.name+": WebSocket over TLS "+path, s.fire(t, who, "GET", path, openWebSocket...))
			repelled(t, who.name+": h2c over TLS "+path, s.fire(t, who, "GET", path, openHTTP2...))
		}
	}
	alice := besieger{"alice", "x; __Host-sallyport=" + s.alice.token}
	if got := s.fire(t, alice, "GET", "/ws", openWebSocket...); got.status != http.StatusSwitchingProtocols {
		t.Errorf("a verified session does not get its WebSocket over TLS: %d", got.status)
	}
}

// TestP1_ExtendedConnect: over HTTP/2 and 3 a WebSocket is opened by CONNECT with `:protocol` (RFC 8441, 9220), a
// method that other gates let pass or do not know. Nobody who is not verified opens one.
func TestP1_ExtendedConnect(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	address := s.secureDoor(t)
	transport := &http3.Transport{TLSClientConfig: insecure()}
	t.Cleanup(func() { _ = transport.Close() })
	for _, who := range s.outside {
		for _, path := range []string{"/ws", "/static/style.css", "/login"} {
			for _, protocol := range []string{"websocket", "connect-udp", ""} {
				s.app.ForgetReceived()
				if status := extendedConnect(t, address, who.token, path, protocol); status == "200" {
					t.Errorf("%s: %q opened %s over HTTP/2", who.name, protocol, path)
				}
				if protocol == "websocket" {
					request := &http.Request{
						Method: http.MethodConnect, Proto: protocol, Host: address, URL: &url.URL{Scheme: "https", Host: address, Path: path},
						Header: http.Header{"Cookie": {secureCookie + "=" + who.token}, "Sec-Websocket-Version": {"13"}},
					}
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					answer, err := transport.RoundTrip(request.WithContext(ctx))
					if err != nil {
						t.Errorf("CONNECT over HTTP/3: %v", err)
					} else if _ = answer.Body.Close(); answer.StatusCode < 300 {
						t.Errorf("%s: opened %s over HTTP/3: %d", who.name, path, answer.StatusCode)
					}
					cancel()
				}
				if received := s.app.Received(); len(received) > 0 {
					t.Errorf("%s: CONNECT %s reached the app: %s", who.name, path, received[0].Method)
				}
			}
		}
	}
	// Whatever the server does with CONNECT, the same frames with GET do reach the app.
	if status := sendFrames(t, address, s.alice.token, [][2]string{{":method", "GET"}, {":path", "/files"}}); status != "200" {
		t.Errorf("alice, frame by frame: %q", status)
	}
}

// extendedConnect sends CONNECT with `:protocol`, or the old form without it.
func extendedConnect(t *testing.T, address, token, path, protocol string) (status string) {
	t.Helper()
	head := [][2]string{{":method", "CONNECT"}}
	if protocol != "" {
		head = append(head, [2]string{":protocol", protocol}, [2]string{":path", path})
	}
	return sendFrames(t, address, token, head)
}

// sendFrames sends one request over HTTP/2 frame by frame, as no client library would. It returns the answer's status,
// or "" if the server broke the stream off.
func sendFrames(t *testing.T, address, token string, head [][2]string) (status string) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, insecure("h2")) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range head {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	if len(head) > 1 {
		_ = encoder.WriteField(hpack.HeaderField{Name: ":scheme", Value: "https"})
	}
	_ = encoder.WriteField(hpack.HeaderField{Name: ":authority", Value: address})
	_ = encoder.WriteField(hpack.HeaderField{Name: "cookie", Value: secureCookie + "=" + token})
	_ = encoder.WriteField(hpack.HeaderField{Name: "sec-websocket-version", Value: "13"})
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	isGet := head[0][1] == "GET"
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: isGet}); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return ""
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.PseudoValue("status")
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return ""
		}
	}
}

// TestP1_TheCookieOverTLS: a gateway's cookie without `Secure` can be read by everybody on the network when it goes
// over plain http, and one without the prefix `__Host-` can be planted by a sister site. The name for one kind of
// connection must not count on the other.
func TestP1_TheCookieOverTLS(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	address := s.secureDoor(t)
	transport := &http.Transport{TLSClientConfig: insecure()}
	defer transport.CloseIdleConnections()
	token := ""
	ask := func(method, path, body string) (status int, location, text string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "https://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/html")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Cookie", secureCookie+"="+token)
		answer, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		whole, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range answer.Header["Set-Cookie"] {
			if !strings.Contains(line, "sallyport") {
				continue
			}
			attributes := strings.Split(line, "; ")
			name, value, _ := strings.Cut(attributes[0], "=")
			rest := strings.Join(attributes[1:], "; ")
			if name != secureCookie || rest != "Path=/; Secure; HttpOnly; SameSite=Lax" {
				t.Errorf("%s: %s", path, line)
			}
			token = value
		}
		return answer.StatusCode, answer.Header.Get("Location"), string(whole)
	}
	_, _, page := ask("GET", "/login", "")
	form := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page)}}
	status, location, _ := ask("POST", "/login", form.Encode())
	if status != http.StatusSeeOther || location != "/second-factor/challenge" || token == "" {
		t.Fatalf("the login over TLS: %d to %q", status, location)
	}
	s.dial = func() (net.Conn, error) { return tls.Dial("tcp", address, insecure("http/1.1")) } //nolint:noctx // loopback
	s.Address = address
	stranger := besieger{name: "stranger"}
	repelled(t, "the plain name on https", s.fire(t, s.alice, "GET", "/files"))
	repelled(t, "the name in another case", s.fire(t, stranger, "GET", "/files", "Cookie: __host-sallyport="+s.alice.token))
	if got := s.fire(t, stranger, "GET", "/files", "Cookie: __Host-sallyport="+s.alice.token); len(got.received) != 1 {
		t.Errorf("the right name on https: %d", got.status)
	}
}
