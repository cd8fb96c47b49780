package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sallyport.example/sallyport/demo"
)

// gated are pages of the app that do half of their work and wait until the test lets them go on.
type gated struct {
	app http.Handler
	// half gets a value when the first half is done; on lets the app go on. Both are for one request at a time.
	half, on chan string
}

func (g *gated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	switch r.URL.Path {
	case "/stream", "/download", "/sse":
		h := w.Header()
		first, rest := "first\n", "rest\n"
		switch r.URL.Path {
		case "/sse":
			h.Set("Content-Type", "text/event-stream")
			first, rest = "data: first\n\n", "data: rest\n\n"
		case "/download":
			h.Set("Content-Type", "application/octet-stream")
			h.Set("Content-Disposition", "attachment; filename=x")
			// Caddy does not flush if the length is known, so the beginning has to be larger than its buffers.
			first += strings.Repeat("x", 256<<10)
			h.Set("Content-Length", fmt.Sprint(len(first)+len(rest)))
		}
		_, _ = io.WriteString(w, first)
		_ = control.Flush()
		<-g.on
		_, _ = io.WriteString(w, rest)
	case "/upload":
		head := make([]byte, 5)
		if _, err := io.ReadFull(r.Body, head); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		g.half <- string(head)
		rest, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, rest)
	case "/hints":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.Header().Add("Set-Cookie", "early=1")
		w.WriteHeader(http.StatusEarlyHints)
		<-g.on
		w.WriteHeader(http.StatusOK)
	default:
		g.app.ServeHTTP(w, r)
	}
}

// TestPass_Unbuffered: behind the gate everything works as without it. The first byte of an answer arrives before the
// app has sent its last, and the first byte of an upload reaches the app before the client has sent its last.
func TestPass_Unbuffered(t *testing.T) {
	t.Parallel()
	g := &gated{half: make(chan string, 1), on: make(chan string, 1)}
	s := newSiege(t, demo.Knobs{}, "", func(app http.Handler) http.Handler {
		g.app = app
		return g
	})
	open := func(head string) (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
		_, _ = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nCookie: sallyport=%s\r\n", head, s.Address, s.alice.token)
		return conn, bufio.NewReader(conn)
	}
	answered := func(in *bufio.Reader, want int) (http.Header, *bufio.Reader) {
		t.Helper()
		answer, err := http.ReadResponse(in, nil) //nolint:bodyclose // over with the connection
		if err != nil || answer.StatusCode != want {
			t.Fatalf("the answer: %+v %v", answer, err)
		}
		return answer.Header, bufio.NewReader(answer.Body)
	}
	for _, path := range []string{"/stream", "/download", "/sse"} {
		conn, in := open("GET " + path)
		_, _ = io.WriteString(conn, "Accept-Encoding: gzip\r\n\r\n")
		_, body := answered(in, http.StatusOK)
		first, err := body.ReadString('\n')
		if err != nil || !strings.Contains(first, "first") {
			t.Fatalf("%s: %q %v", path, first, err)
		}
		// Only now may the app go on.
		g.on <- ""
		rest, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(rest), "rest") {
			t.Errorf("%s: %q %v", path, rest, err)
		}
	}

	conn, in := open("POST /upload")
	_, _ = io.WriteString(conn, "Content-Length: 10\r\n\r\nfirst")
	select {
	case half := <-g.half:
		if half != "first" {
			t.Errorf("the app got %q", half)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the app gets nothing of an upload before its end")
	}
	_, _ = io.WriteString(conn, "rest\n")
	answered(in, http.StatusOK)

	conn, in = open("GET /hints")
	_, _ = io.WriteString(conn, "\r\n")
	hint, _ := answered(in, http.StatusEarlyHints)
	if hint.Get("Link") != "</style.css>; rel=preload" || hint["Set-Cookie"] != nil {
		t.Errorf("the early hint: %+v", hint)
	}
	g.on <- ""
	if final, _ := answered(in, http.StatusOK); final["Link"] == nil {
		t.Errorf("the answer behind the hint: %+v", final)
	}
}

// TestPass_LargeUpload: 20 MiB go through completely, with a length and in chunks.
func TestPass_LargeUpload(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	block := []byte(strings.Repeat("0123456789abcdef", 4096))
	const times = 20 << 20 / (64 << 10)
	hash := sha256.New()
	for range times {
		_, _ = hash.Write(block)
	}
	want := fmt.Sprintf(`{"bytes":%d,"sha256":"%s"}`, 20<<20, hex.EncodeToString(hash.Sum(nil)))
	for _, length := range []int64{20 << 20, -1} {
		reader, writer := io.Pipe()
		go func() {
			for range times {
				if _, err := writer.Write(block); err != nil {
					return
				}
			}
			_ = writer.Close()
		}()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/sink", reader)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = length
		request.Header.Set("Cookie", "sallyport="+s.alice.token)
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || strings.TrimSpace(string(text)) != want {
			t.Errorf("length %d: %s %v", length, text, err)
		}
	}
}

// TestPass_WebSocket: messages of any size go both ways, and the app knows who is there.
func TestPass_WebSocket(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+s.Address+"/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Cookie": {"sallyport=" + s.alice.token}, "Origin": {s.URL}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	if _, greeting, err := conn.Read(ctx); err != nil || string(greeting) != `{"login":"alice"}` {
		t.Fatalf("the greeting: %s %v", greeting, err)
	}
	for _, message := range []string{"hello", "", strings.Repeat("x", 60<<10), "bye"} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, echo, err := conn.Read(ctx); err != nil || string(echo) != message {
			t.Fatalf("the echo of %d bytes: %d bytes, %v", len(message), len(echo), err)
		}
	}
}
