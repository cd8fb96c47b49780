package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// flowing are an app's pages that never end by themselves. It counts those that are open.
type flowing struct {
	app  http.Handler
	open sync.WaitGroup
}

func (f *flowing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	every, size := time.Duration(0), 1<<20
	switch r.URL.Path {
	case "/flow/download":
		w.Header().Set("Content-Length", fmt.Sprint(int64(1)<<40))
	case "/flow/events":
		w.Header().Set("Content-Type", "text/event-stream")
		every, size = 100*time.Millisecond, 10
	case "/flow/quiet":
		w.Header().Set("Content-Type", "text/event-stream")
		every, size = time.Hour, 10
	case "/flow/poll":
		every, size = time.Hour, 0
	default:
		f.app.ServeHTTP(w, r)
		return
	}
	f.open.Add(1)
	defer f.open.Done()
	piece := []byte(strings.Repeat("x", size))
	for {
		if _, err := w.Write(piece); err != nil {
			return
		}
		if size > 0 {
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(every):
		}
	}
}

// openStreams opens one stream of each kind with a session's token, and waits until each has begun.
func openStreams(t *testing.T, address, token string) map[string]net.Conn {
	t.Helper()
	streams := make(map[string]net.Conn)
	for _, path := range []string{"/flow/download", "/flow/stuck", "/flow/events", "/flow/quiet", "/flow/poll", "/ws"} {
		conn, err := net.Dial("tcp", address) //nolint:noctx // loopback
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
		target, more := path, ""
		switch path {
		case "/ws":
			more = strings.Join(openWebSocket, "\r\n") + "\r\n"
		case "/flow/poll":
			more = "Connection: close\r\n" // it gets a whole answer
		case "/flow/stuck":
			target = "/flow/download" // for a client that stops reading
		}
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nCookie: sallyport=%s\r\n%s\r\n", target, address, token, more)
		if path != "/flow/poll" {
			first, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
			if err != nil || !strings.Contains(first, " 200 ") && !strings.Contains(first, " 101 ") {
				t.Fatalf("%s: %q %v", path, first, err)
			}
		}
		streams[path] = conn
	}
	return streams
}

// wantCut reads all streams to their ends, which must come within five seconds, except for those of a client that no
// longer reads.
func wantCut(t *testing.T, streams map[string]net.Conn) {
	t.Helper()
	began := time.Now()
	var group sync.WaitGroup
	for path, conn := range streams {
		if path == "/flow/stuck" {
			continue
		}
		group.Go(func() {
			var text strings.Builder
			_, err := io.CopyN(&text, conn, 1<<10)
			if err == nil {
				_, err = io.Copy(io.Discard, conn)
			}
			took := time.Since(began)
			t.Logf("%s: cut after %v: %v", path, took, err)
			if took > 5*time.Second {
				t.Errorf("%s: cut after %v", path, took)
			}
			if path == "/flow/poll" != strings.Contains(text.String(), "login-required") {
				t.Errorf("%s: %q", path, text.String())
			}
		})
	}
	group.Wait()
}

// TestP8_OpenStreamsAreCut: a thief's browser has a download, events and a WebSocket open. The owner signs out all
// other sessions on the settings page, in another browser.
func TestP8_OpenStreamsAreCut(t *testing.T) {
	t.Parallel()
	f := &flowing{}
	app := demo.New(demo.Options{Knobs: demo.Knobs{Record: 200}})
	t.Cleanup(app.Close)
	f.app = app
	l := &ledger{Site: site.Start(t, site.Serve(t, f), ledgerBlock, site.Options{}), app: app}
	owner, authenticator := l.verified(t, "alice", demo.AlicePassword)
	thief := l.Client(t)
	signIn(t, thief, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	thief.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	streams := openStreams(t, l.Address, thief.Token())
	mine := openStreams(t, l.Address, owner.Token())
	owner.Own("/", "/sessions", url.Values{}).Wants(t, http.StatusSeeOther, "/second-factor/")
	wantCut(t, streams)

	// The owner's own streams go on.
	for path, conn := range mine {
		if path == "/flow/events" || path == "/flow/download" {
			if _, err := io.ReadFull(conn, make([]byte, 64)); err != nil {
				t.Errorf("the owner's %s: %v", path, err)
			}
		}
	}
	// If a browser ends its session, the session's streams end, and the app notices too, even behind a client that no
	// longer reads.
	owner.SignOut()
	wantCut(t, mine)
	closed := make(chan struct{})
	go func() {
		f.open.Wait()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the app still sends")
	}
}
