package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
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
