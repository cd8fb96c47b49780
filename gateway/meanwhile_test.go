package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/upstream"
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

// TestMeanwhile: what is kept comes out in its order, from memory and from the file; and there is an end to it.
func TestMeanwhile(t *testing.T) {
	m := &meanwhile{full: make(chan struct{})}
	defer m.forget()
	var want bytes.Buffer
	for i := range 5000 {
		piece := []byte(strings.Repeat(fmt.Sprintf("%05d ", i), 200))
		if !m.add(piece) {
			t.Fatal("it did not fit")
		}
		want.Write(piece)
	}
	if m.file == nil {
		t.Fatal("nothing came into the file")
	}
	if len(m.kept) == 0 {
		t.Fatal("nothing is kept in memory")
	}
	got, err := io.ReadAll(m.close())
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes came of %d, or not in their order: %v", len(got), want.Len(), err)
	}
	if m.add([]byte("x")) {
		t.Error("something is kept of an answer that was decided")
	}

	m = &meanwhile{full: make(chan struct{})}
	defer m.forget()
	piece := make([]byte, 1<<20)
	for kept := 0; m.add(piece); kept += len(piece) {
		if kept > spoolLimit+spoolMemory {
			t.Fatal("there is no end to it")
		}
	}
	<-m.full
}

func httptestRequest(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWholeOfAStrangersAnswer: where the app cannot say whose an answer is before it has come to its end, a stranger's
// is waited for as well, though nobody watches over a session then.
func TestWholeOfAStrangersAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		ends func(*meanwhile, context.CancelFunc)
		is   bool
	}{
		"to its end":      {func(m *meanwhile, _ context.CancelFunc) { close(m.returned) }, true},
		"no room":         {func(m *meanwhile, _ context.CancelFunc) { close(m.full) }, false},
		"the client left": {func(_ *meanwhile, leave context.CancelFunc) { leave() }, false},
	} {
		ctx, leave := context.WithCancel(t.Context())
		m := &meanwhile{returned: make(chan struct{}), full: make(chan struct{})}
		f := &filter{x: &passage{Exchange: upstream.Exchange{Exchange: exchange.Exchange{R: httptestRequest(t).WithContext(ctx)}}}, meanwhile: m, early: true}
		test.ends(m, leave)
		if f.whole() != test.is || f.early == test.is {
			t.Errorf("%s: whole %v", name, !test.is)
		}
		leave()
	}
}
