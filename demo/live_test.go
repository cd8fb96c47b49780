package demo

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// dial opens a socket with the browser's cookies.
func (b *browser) dial(header http.Header) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(b.Context(), "ws"+strings.TrimPrefix(b.base, "http")+"/ws", &websocket.DialOptions{HTTPClient: b.Client, HTTPHeader: header})
}

func TestSocket(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{Gzip: true}})
	if _, response, err := b.dial(nil); err == nil || response.StatusCode != http.StatusUnauthorized {
		t.Fatalf("a stranger: %v", err)
	}
	b.asAlice()
	conn, _, err := b.dial(http.Header{"Accept-Encoding": {"gzip"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(messageLimit)
	if _, greeting, err := conn.Read(t.Context()); err != nil || string(greeting) != `{"login":"alice"}` {
		t.Fatalf("%s, %v", greeting, err)
	}
	for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		sent := strings.Repeat("x", 40<<10)
		if err := conn.Write(t.Context(), kind, []byte(sent)); err != nil {
			t.Fatal(err)
		}
		if got, message, err := conn.Read(t.Context()); err != nil || got != kind || string(message) != sent {
			t.Errorf("%v, %d bytes, %v", got, len(message), err)
		}
	}
	b.app.Close()
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the socket outlives the app")
	}
}

// Another site's page may open sockets with the user's cookies.
func TestSocketOfAnotherSite(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	if _, response, err := b.dial(http.Header{"Origin": {"https://evil.example"}}); err == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("%v", err)
	}
}

func TestSocketRotates(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{Rotate: true}})
	b.asAlice()
	conn, response, err := b.dial(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if response.StatusCode != http.StatusSwitchingProtocols || !strings.HasPrefix(response.Header.Get("Set-Cookie"), SessionCookie+"=") {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}

func TestEvents(t *testing.T) {
	b := open(t, Options{Events: 2, Knobs: Knobs{Gzip: true}})
	b.asAlice()
	want := `id: 1
event: tick
data: {"balance":"792.55","login":"alice","number":1}

id: 2
event: tick
data: {"balance":"792.55","login":"alice","number":2}

event: done
data: {}

`
	got := b.get("/events", "Accept-Encoding", "gzip")
	if got.Header.Get("Content-Type") != "text/event-stream" || got.Header.Get("Content-Encoding") != "" || got.body != want {
		t.Errorf("%v\n%s", got.Header, got.body)
	}
	if got := b.get("/events?count=7"); strings.Count(got.body, "event: tick") != 7 {
		t.Errorf("%s", got.body)
	}
	for _, count := range []string{"0", "-1", "1001", "x"} {
		if got := b.get("/events?count=" + count); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", count, got.StatusCode)
		}
	}
}

// Each event must be on its way before the next is due, and closing the app must end the stream.
func TestEventsAreFlushed(t *testing.T) {
	b := open(t, Options{EventInterval: time.Hour})
	b.asAlice()
	response, err := b.Get(b.base + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	if !lines.Scan() || lines.Text() != "id: 1" {
		t.Fatalf("%q, %v", lines.Text(), lines.Err())
	}
	b.app.Close()
	for lines.Scan() {
		if lines.Text() == "event: done" {
			t.Error("an hour has passed")
		}
	}
}
