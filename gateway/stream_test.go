package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// cutWithin is how long a stream outlives its session at most: open WebSockets, events and downloads are then cut.
const cutWithin = 5 * time.Second

// watched is a gateway without a network, in a bubble of synctest, with one verified session.
type watched struct {
	t        *testing.T
	gateway  *Gateway
	store    *failingSessions
	sessions *session.Manager
	token    string
}

// watch runs a test in a bubble.
func watch(t *testing.T, test func(t *testing.T, s *watched)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		memory := session.NewMemory(session.MemoryOptions{})
		defer func() { _ = memory.Close() }()
		s := &watched{t: t, store: &failingSessions{Memory: memory}}
		s.sessions = session.NewShared(s.store).Manager(session.Config{App: "ledger", Idle: time.Hour, Lifetime: 24 * time.Hour})
		var err error
		s.gateway, err = New(Config{
			App: "ledger", LoginPage: "/login", Logout: match.NewGlobs("/logout"),
			Logins: login.Set{Typed: true, Blocks: []login.Block{{
				Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"}, Fields: []string{"password"},
				Success: [][]login.Rule{{{Kind: login.Cookie, Name: "sid"}}},
			}}},
			Sessions: s.sessions, Pages: pages.New(pages.Options{}),
			Factors: factor.NewService(factor.NewMemoryStore(), factor.Config{App: "ledger", Kinds: kinds()}),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.token, err = storetest.Create(t.Context(), s.sessions, session.Data{Host: "example.com", State: gate.Verified, Identity: "alice", Proofs: []session.Proof{{Method: "totp"}}})
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
}

// line is the browser's end: it records what is written, and lets its connection be taken over.
type line struct {
	*httptest.ResponseRecorder
	conn     net.Conn
	deadline atomic.Bool
}

func (l *line) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return l.conn, bufio.NewReadWriter(bufio.NewReader(l.conn), bufio.NewWriter(l.conn)), nil
}

func (l *line) SetWriteDeadline(time.Time) error {
	l.deadline.Store(true)
	return nil
}

// request is a request that is under way.
type request struct {
	*line
	over    chan struct{}
	err     error
	aborted bool
}

type lineKey struct{}

// lineOf returns the line that a request came by, for the rest of its route.
func lineOf(r *http.Request) *line {
	found, _ := r.Context().Value(lineKey{}).(*line)
	return found
}

// send begins a request. The rest of the route is next.
func (s *watched) send(r *http.Request, next Handler) *request {
	r.Header["Cookie"] = []string{"sallyport=" + s.token}
	q := &request{line: &line{ResponseRecorder: httptest.NewRecorder()}, over: make(chan struct{})}
	var far net.Conn
	q.conn, far = net.Pipe()
	s.t.Cleanup(func() { _ = far.Close() })
	go func() { _, _ = io.Copy(io.Discard, far) }()
	go func() {
		defer close(q.over)
		defer func() {
			if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // the very value is the convention
				q.aborted = true
			} else if p != nil {
				panic(p)
			}
		}()
		q.err = s.gateway.ServeHTTP(q, r.WithContext(context.WithValue(r.Context(), lineKey{}, q.line)), next)
	}()
	synctest.Wait()
	return q
}

func (q *request) isOver() bool {
	synctest.Wait()
	select {
	case <-q.over:
		return true
	default:
		return false
	}
}

// wantsCut waits for the end of a request whose session has just ended.
func (q *request) wantsCut(t *testing.T) {
	t.Helper()
	if q.isOver() {
		t.Fatal("it was over before")
	}
	time.Sleep(cutWithin)
	if !q.isOver() {
		t.Fatal("it is still going on five seconds after its session")
	}
}

// proxy does what a reverse proxy does: it gives up when its context ends, and breaks off what it has begun.
func proxy(media string, every time.Duration) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", media)
		for {
			if _, err := io.WriteString(w, "piece"); err != nil {
				panic(http.ErrAbortHandler)
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			case <-time.After(every):
			}
		}
	}
}

func (s *watched) destroy() {
	if err := s.sessions.Destroy(context.Background(), s.token); err != nil {
		s.t.Fatal(err)
	}
}

// TestP8_StreamsEndWithTheSession: a thief opened a download, an event stream and a long poll, and then the owner ended
// the session from elsewhere. What was open goes on giving data unless somebody cuts it.
func TestP8_StreamsEndWithTheSession(t *testing.T) {
	for name, next := range map[string]Handler{
		"download":   proxy("application/octet-stream", 100*time.Millisecond),
		"events":     proxy("text/event-stream", time.Hour),
		"never ends": proxy("text/html", time.Millisecond),
		"heeds nothing": func(w http.ResponseWriter, _ *http.Request) error {
			for range 100 {
				_, _ = io.WriteString(w, "piece")
				time.Sleep(time.Second / 10)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			watch(t, func(t *testing.T, s *watched) {
				q := s.send(browserRequest(), next)
				time.Sleep(7 * time.Second)
				s.destroy()
				time.Sleep(2500 * time.Millisecond)
				synctest.Wait()
				sent := q.Body.Len()
				if name == "heeds nothing" {
					time.Sleep(time.Minute)
				}
				if !q.isOver() || !q.aborted {
					t.Errorf("over: %t, broken off: %t", q.isOver(), q.aborted)
				}
				if q.Body.Len() != sent {
					t.Error("it still sent something")
				}
				if !q.deadline.Load() {
					t.Error("whoever writes to a client that reads slowly would wait on")
				}
			})
		})
	}
}

// TestP8_LongPollEndsWithTheSession: if the answer has not begun, the request is answered like a stranger's.
func TestP8_LongPollEndsWithTheSession(t *testing.T) {
	poll := func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Secret", "for alice")
		<-r.Context().Done()
		return r.Context().Err()
	}
	silent := func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return nil
	}
	late := func(w http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		_, err := io.WriteString(w, "for alice")
		return err
	}
	for name, next := range map[string]Handler{"an error": poll, "nothing": silent, "too late": late} {
		t.Run(name, func(t *testing.T) {
			watch(t, func(t *testing.T, s *watched) {
				page := s.send(browserRequest(), next)
				script := browserRequest()
				script.Header.Del("Sec-Fetch-Mode")
				script.Header.Set("Accept", "*/*")
				call := s.send(script, next)
				s.destroy()
				page.wantsCut(t)
				if !call.isOver() {
					t.Fatal("the script still waits")
				}
				if page.err != nil || page.Code != http.StatusSeeOther || page.Header().Get("Location") != "/login" {
					t.Errorf("a page load: %v %d %v", page.err, page.Code, page.Header())
				}
				if call.err != nil || call.Code != http.StatusUnauthorized || !strings.Contains(call.Body.String(), "login-required") {
					t.Errorf("a script: %v %d %s", call.err, call.Code, call.Body)
				}
				for _, q := range []*request{page, call} {
					if q.Header().Get("X-Secret") != "" || strings.Contains(q.Body.String(), "alice") {
						t.Error("something of the app's answer went out")
					}
				}
			})
		})
	}
}

// hijack takes the connection over, as a proxy does for a WebSocket, and answers its ping.
func hijack(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = io.Copy(io.Discard, conn)
	return err
}

// TestP8_TunnelsEndWithTheSession: a WebSocket has no requests, so nothing asks again whose it is.
func TestP8_TunnelsEndWithTheSession(t *testing.T) {
	leave := func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := http.NewResponseController(w).Hijack()
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		return err
	}
	for name, next := range map[string]Handler{"the handler stays": hijack, "the handler leaves": leave} {
		t.Run(name, func(t *testing.T) {
			watch(t, func(t *testing.T, s *watched) {
				q := s.send(browserRequest(), next)
				time.Sleep(10 * time.Minute)
				if _, err := q.conn.Write([]byte("still open")); err != nil {
					t.Fatal(err)
				}
				s.destroy()
				time.Sleep(cutWithin)
				if _, err := q.conn.Write([]byte("still open")); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the connection: %v", err)
				}
				if !q.isOver() || q.aborted || q.err != nil && !errors.Is(q.err, io.ErrClosedPipe) {
					t.Errorf("over: %t, broken off: %t, %v", q.isOver(), q.aborted, q.err)
				}
			})
		})
	}
}

// TestP5_StreamsEndWithTheIdentity: somebody else signs in, in the same session.
func TestP5_StreamsEndWithTheIdentity(t *testing.T) {
	for name, change := range map[string]func(*session.Data){
		"another identity": func(d *session.Data) { d.Identity = "bob" },
		"a factor is owed": func(d *session.Data) { d.State = gate.Pending },
		"anonymous again":  func(d *session.Data) { d.State, d.Identity = gate.Anonymous, "" },
	} {
		t.Run(name, func(t *testing.T) {
			watch(t, func(t *testing.T, s *watched) {
				q := s.send(browserRequest(), proxy("text/event-stream", time.Second))
				time.Sleep(3500 * time.Millisecond)
				_, err := storetest.Update(t.Context(), s.sessions, s.token, func(d *session.Data) error {
					change(d)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				q.wantsCut(t)
			})
		})
	}
}

// TestP6_StreamsWhileTheStoreFails: a store that is unreachable for a moment cuts nothing. If it is unreachable for
// longer, nobody can tell whether the session was ended meanwhile at another node, so its streams are cut in time all
// the same.
func TestP6_StreamsWhileTheStoreFails(t *testing.T) {
	away := func(context.Context) error { return errors.New("connection refused") }
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, fail := range map[string]func(context.Context) error{"away": away, "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			watch(t, func(t *testing.T, s *watched) {
				q := s.send(browserRequest(), proxy("text/event-stream", time.Second))
				time.Sleep(5500 * time.Millisecond)
				s.store.strike(fail, "find")
				time.Sleep(time.Second)
				s.store.end()
				time.Sleep(time.Minute)
				if q.isOver() {
					t.Fatal("cut for one second without the store")
				}
				s.store.strike(fail, "find")
				q.wantsCut(t)
			})
		})
	}
}

// TestStreamsAreUse: a user who types in a WebSocket, sends a large file or waits for one is not idle. What an app
// sends when nobody is there does not count as use.
func TestStreamsAreUse(t *testing.T) {
	typing := func(w http.ResponseWriter, r *http.Request) error {
		near, far := net.Pipe()
		lineOf(r).conn = near
		go func() {
			for {
				time.Sleep(time.Minute)
				if _, err := far.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		return hijack(w, r)
	}
	listening := func(w http.ResponseWriter, r *http.Request) error {
		near, far := net.Pipe()
		lineOf(r).conn = near
		go func() { _, _ = io.Copy(io.Discard, far) }()
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		for {
			if _, err := conn.Write([]byte("x")); err != nil {
				return err
			}
			time.Sleep(time.Minute)
		}
	}
	reading := func(_ http.ResponseWriter, r *http.Request) error {
		read := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, r.Body)
			read <- err
		}()
		select {
		case err := <-read:
			return err
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	for _, test := range []struct {
		name string
		next Handler
		body time.Duration
		want bool
	}{
		{"typing in a tunnel", typing, 0, true},
		{"a tunnel in which only the app talks", listening, 0, false},
		{"events", proxy("Text/Event-Stream; charset=utf-8", time.Second), 0, false},
		{"a download", proxy("video/mp4", time.Second), 0, true},
		{"a poll", proxy("video/mp4", 100*time.Hour), 0, false},
		{"an upload", reading, time.Second, true},
		{"an upload that stands still", reading, 100 * time.Hour, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			watch(t, func(t *testing.T, s *watched) {
				r := browserRequest()
				if test.body > 0 {
					r.Method, r.ContentLength, r.Body = http.MethodPut, -1, io.NopCloser(slow{test.body, t.Context()})
				}
				q := s.send(r, test.next)
				time.Sleep(59 * time.Minute)
				if q.isOver() {
					t.Fatalf("it ended before it was idle: %v", q.err)
				}
				time.Sleep(2 * time.Hour)
				if alive := !q.isOver(); alive != test.want {
					t.Errorf("after three hours it is alive: %t", alive)
				}
				// Nothing lasts longer than the lifetime.
				time.Sleep(22 * time.Hour)
				if !test.want {
					return
				}
				if data, err := s.sessions.Load(t.Context(), s.token); data != nil || err != nil || !q.isOver() {
					t.Errorf("after its lifetime: %v %v, over %t", data, err, q.isOver())
				}
			})
		})
	}
}

// slow is a body that comes a byte at a time and never ends.
type slow struct {
	every time.Duration
	ctx   context.Context
}

func (s slow) Read(p []byte) (int, error) {
	select {
	case <-time.After(s.every):
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
	if len(p) > 0 {
		p[0] = 'x'
	}
	return min(1, len(p)), nil
}

// TestStreamOfASignOut: the answer to a sign-out no longer belongs to the session, and is sent to its end.
func TestStreamOfASignOut(t *testing.T) {
	watch(t, func(t *testing.T, s *watched) {
		r := browserRequest()
		r.URL.Path, r.RequestURI = "/logout", "/logout"
		q := s.send(r, func(w http.ResponseWriter, r *http.Request) error {
			_, _ = io.WriteString(w, "good")
			time.Sleep(20 * time.Second)
			_, err := io.WriteString(w, "bye")
			return err
		})
		time.Sleep(time.Minute)
		if data, err := s.sessions.Load(t.Context(), s.token); data != nil || err != nil {
			t.Fatalf("the session: %v %v", data, err)
		}
		if !q.isOver() || q.aborted || q.err != nil || q.Body.String() != "goodbye" {
			t.Errorf("over: %t, broken off: %t, %v, %q", q.isOver(), q.aborted, q.err, q.Body)
		}
	})
}
