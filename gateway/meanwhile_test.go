package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// locking is a raisingApp that keeps a session to itself until its answer has come to its end, as PHP does: the next
// request of the session waits for that, the question who is signed in among them.
type locking struct {
	raisingApp
	lock sync.Mutex
}

// large is more than what stands in the buffers on the way.
const large = 24 << 20

func (a *locking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/login" && r.Method == http.MethodPost {
		a.raisingApp.ServeHTTP(w, r)
		return
	}
	a.lock.Lock()
	defer a.lock.Unlock()
	who := func() string {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		return a.users[sid(r)]
	}
	switch r.URL.Path {
	case "/download", "/become/download":
		if strings.HasPrefix(r.URL.Path, "/become") {
			a.mutex.Lock()
			a.raise(sid(r), "alice")
			a.mutex.Unlock()
		}
		w.Header().Set("Content-Length", fmt.Sprint(large))
		line := []byte(strings.Repeat("x", 1023-len(who())) + who() + "\n")
		for range large / len(line) {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	case "/progress":
		for i := range 40 {
			fmt.Fprintf(w, "%d of %s: %s\n", i, who(), strings.Repeat(".", 64<<10))
			_ = http.NewResponseController(w).Flush()
		}
	default:
		a.raisingApp.ServeHTTP(w, r)
	}
}

// TestLockedSession: carol loads a large page, and one that shows how far it has come, of an app that keeps a session
// to itself until an answer has come to its end. The app was asked in the middle of it, could not say, and nobody read
// on.
func TestLockedSession(t *testing.T) {
	s := newRaising(t, nil)
	s.serve(upstreamOf(t, new(locking), func() {}))
	carol := s.carol(t)
	for range 2 {
		got := carol.get("/download")
		if got.StatusCode != http.StatusOK || len(got.body) != large || !strings.HasSuffix(got.body, "carol\n") {
			t.Fatalf("a download: %d, %d bytes", got.StatusCode, len(got.body))
		}
		got = carol.get("/progress")
		if got.StatusCode != http.StatusOK || strings.Count(got.body, "\n") != 40 || !strings.Contains(got.body, "39 of carol") {
			t.Fatalf("progress: %d, %d bytes", got.StatusCode, len(got.body))
		}
	}
}

// timeout is the error of somebody who has waited long enough.
type timeout struct{ error }

func (timeout) Timeout() bool { return true }

// TestLockedSessionForLong: such an app is at work for longer than a question about its answer waits. The answer is
// asked about once more when it has come to its end. Handlers look at the headers then, for trailers, and that look
// waited for the question, which waited for the handler: the page never came to its end.
func TestLockedSessionForLong(t *testing.T) {
	s := newRaising(t, nil)
	var working atomic.Bool
	inVain := make(chan struct{}, 8)
	app := new(raisingApp)
	proxied := upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/report" {
			app.ServeHTTP(w, r)
			return
		}
		working.Store(true)
		w.Header().Set("Trailer", "X-Pages")
		fmt.Fprint(w, "page 1\n")
		_ = http.NewResponseController(w).Flush()
		<-inVain
		fmt.Fprint(w, "page 2\n")
		w.Header().Set("X-Pages", "2")
		working.Store(false)
	}), func() {})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/me" && working.Load() {
			inVain <- struct{}{}
			return timeout{context.DeadlineExceeded}
		}
		return proxied(w, r)
	})
	carol := s.carol(t)
	conn := carol.raw(t, "GET", "/report", "", 0)
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second)) // or a page that never ends would be waited for
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK || string(got) != "page 1\npage 2\n" || err != nil || answer.Trailer.Get("X-Pages") != "2" {
		t.Errorf("%d %q %v, trailer %v", answer.StatusCode, got, err, answer.Trailer)
	}
}

// TestP5_LockedSessionRaised: such an answer signs alice in, and is hers.
func TestP5_LockedSessionRaised(t *testing.T) {
	s := newRaising(t, nil)
	s.serve(upstreamOf(t, new(locking), func() {}))
	carol := s.carol(t)
	if got := carol.get("/download"); !strings.HasSuffix(got.body, "carol\n") {
		t.Fatalf("the control: %d", got.StatusCode)
	}
	if got := carol.get("/become/download"); strings.Contains(got.body, "alice\n") || len(got.body) >= large {
		t.Errorf("%d, %d bytes of alice's", got.StatusCode, len(got.body))
	}
	carol.wantsState("pending", "alice")
}
