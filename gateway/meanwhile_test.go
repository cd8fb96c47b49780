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

// locking is a raisingApp that locks a session until its answer is complete, as PHP does. The next request of the
// session waits for that, and so does the question who is signed in.
type locking struct {
	raisingApp
	lock sync.Mutex
}

// large is more than the buffers on the way can hold.
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

// TestLockedSession: carol loads a large page, and a page that shows its progress, from an app that locks a session
// until the answer is complete. The app was asked in the middle of the answer and could not say who was signed in, and
// nobody read the rest.
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

// timeout is the error of a call that has waited long enough.
type timeout struct{ error }

func (timeout) Timeout() bool { return true }

// TestLockedSessionForLong: such an app works for longer than a question about its answer waits. The question is asked
// once more when the answer is complete. At that moment handlers look at the headers, for trailers. That look waited
// for the question, and the question waited for the handler, so the page never ended.
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
	// Otherwise the test would wait for a page that never ends.
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
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
