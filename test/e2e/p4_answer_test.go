package e2e

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// rewritten lets the app sign in at /api/login as usual, and changes its answer on the way.
type rewritten struct {
	app *demo.App
	// rewrite gets the app's answer to a login and writes it; nil: unchanged.
	rewrite atomic.Pointer[rewriting]
}

// rewriting writes the app's answer as it should look.
type rewriting func(w http.ResponseWriter, answer *httptest.ResponseRecorder)

// says sets how the answers look from now on; nil: unchanged.
func (s *rewritten) says(rewrite rewriting) {
	if rewrite == nil {
		s.rewrite.Store(nil)
		return
	}
	s.rewrite.Store(&rewrite)
}

func (s *rewritten) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rewrite := s.rewrite.Load()
	if r.Method != http.MethodPost || r.URL.Path != "/api/login" || rewrite == nil {
		s.app.ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	s.app.ServeHTTP(recorder, r)
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	(*rewrite)(w, recorder)
}

// coded writes the answer in a content coding.
func coded(names string, encode func(into io.Writer) io.WriteCloser) func(http.ResponseWriter, *httptest.ResponseRecorder) {
	return func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		w.Header().Set("Content-Encoding", names)
		w.WriteHeader(answer.Code)
		into := encode(w)
		_, _ = into.Write(answer.Body.Bytes())
		_ = into.Close()
	}
}

// newRewritten makes the demo app with answers that the test changes, behind a gateway.
func newRewritten(t *testing.T, block string) (l *ledger, strange *rewritten) {
	t.Helper()
	l = newWrapped(t, demo.Knobs{}, block, func(app *demo.App) http.Handler {
		strange = &rewritten{app: app}
		return strange
	})
	return l, strange
}

func gzipped(into io.Writer) io.WriteCloser { return gzip.NewWriter(into) }

// TestP4_LoginAnswersInEveryCoding: the app's answer is understood in whatever coding it comes, asked for or not: right
// passwords lead to the challenge, wrong ones do not. An answer that cannot be read is refused.
func TestP4_LoginAnswersInEveryCoding(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]string{
		"identity": commonLines + formLogin + jsonLogin + askIdentity + staticPublic, "rules": commonLines + typedLogins + staticPublic,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, strange := newRewritten(t, block)
			l.enrolled(t, "alice", demo.AlicePassword)
			for coding, rewrite := range map[string]func(http.ResponseWriter, *httptest.ResponseRecorder){
				"plain":   nil,
				"gzip":    coded("gzip", gzipped),
				"x-gzip":  coded("X-GZip", gzipped),
				"zlib":    coded("deflate", func(into io.Writer) io.WriteCloser { return zlib.NewWriter(into) }),
				"br":      coded("br", func(into io.Writer) io.WriteCloser { return brotli.NewWriter(into) }),
				"zstd":    coded("zstd", func(into io.Writer) io.WriteCloser { w, _ := zstd.NewWriter(into); return w }),
				"deflate": coded("deflate", func(into io.Writer) io.WriteCloser { w, _ := flate.NewWriter(into, 5); return w }),
				"twice": coded("gzip, gzip", func(into io.Writer) io.WriteCloser {
					var once bytes.Buffer
					return closer{gzip.NewWriter(&once), func() error {
						outer := gzip.NewWriter(into)
						_, _ = outer.Write(once.Bytes())
						return outer.Close()
					}}
				}),
			} {
				strange.says(rewrite)
				c := l.Client(t)
				got := signInScript(c, "alice", demo.AlicePassword)
				if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.Text, "second-factor-required") {
					t.Errorf("%s: %d %q", coding, got.StatusCode, got.Text)
				}
				wantsNothingOf(t, got)
				wantsState(t, c, "pending", "alice")
				c = l.Client(t)
				if got := signInScript(c, "alice", "wrong"); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.Text, "second-factor-required") {
					t.Errorf("%s, wrong password: %d %q", coding, got.StatusCode, got.Text)
				}
				wantsState(t, c, "anonymous", "")
			}
			strange.says(nil)
		})
	}
}

// closer runs a function after a writer was closed.
type closer struct {
	io.WriteCloser
	after func() error
}

func (c closer) Close() error {
	if err := c.WriteCloser.Close(); err != nil {
		return err
	}
	return c.after()
}

// TestP4_LoginAnswersThatCannotBeJudged: the answer to a right password is huge, breaks off, comes in an unknown
// coding, or switches protocols. None of this means that nobody is signed in, or that somebody is: the client gets a
// 502, the session stays as it was, and nothing of the answer, neither cookies nor body, reaches the browser.
func TestP4_LoginAnswersThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]string{
		"identity": commonLines + formLogin + jsonLogin + askIdentity + staticPublic, "rules": commonLines + typedLogins + staticPublic,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, strange := newRewritten(t, block)
			// alice has no factor: whatever slips through is a verified session at once.
			bomb := strings.Repeat("x", 4<<20)
			for flaw, rewrite := range map[string]func(http.ResponseWriter, *httptest.ResponseRecorder){
				"huge": func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
					w.WriteHeader(answer.Code)
					_, _ = io.WriteString(w, strings.TrimSuffix(strings.TrimSpace(answer.Body.String()), "}")+`,"padding":"`+bomb+`"}`)
				},
				"huge when decoded": func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
					answer.Body.WriteString(bomb)
					coded("gzip", gzipped)(w, answer)
				},
				"broken off": func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
					w.Header().Set("Content-Length", "1000")
					w.WriteHeader(answer.Code)
					_, _ = w.Write(answer.Body.Bytes())
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				},
				"broken off in chunks": func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
					w.WriteHeader(answer.Code)
					_, _ = w.Write(answer.Body.Bytes())
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				},
				"hang-up":        func(http.ResponseWriter, *httptest.ResponseRecorder) { panic(http.ErrAbortHandler) },
				"unknown coding": coded("secret-sauce", func(into io.Writer) io.WriteCloser { return gzip.NewWriter(into) }),
				"false coding": func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
					w.Header().Set("Content-Encoding", "gzip")
					w.WriteHeader(a.Code)
					_, _ = w.Write(a.Body.Bytes())
				},
				"other protocol": switchProtocols,
				"only early ones": func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
					w.WriteHeader(http.StatusEarlyHints)
					panic(http.ErrAbortHandler)
				},
			} {
				c := l.Client(t)
				c.Get("/login").Wants(t, http.StatusOK, "")
				strange.says(rewrite)
				got := signInScript(c, "alice", demo.AlicePassword)
				// If nobody asked for a protocol switch, Caddy's proxy gives no answer: an empty 200.
				nothing := flaw == "other protocol" && got.StatusCode == http.StatusOK && got.Text == ""
				if got.StatusCode != http.StatusBadGateway && !nothing || shows(got, "alice") {
					t.Errorf("%s: %d %.300q", flaw, got.StatusCode, got.Text)
				}
				wantsNothingOf(t, got)
				wantsState(t, c, "anonymous", "")
				wantsShut(t, c)
				strange.says(nil)
				signInScript(c, "alice", demo.AlicePassword).Wants(t, http.StatusOK, "")
				wantsEntries(t, c, "alice")
			}
		})
	}
}

// switchProtocols answers a login with 101.
func switchProtocols(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: " +
		answer.Header().Get("Set-Cookie") + "\r\n\r\n")
	_ = buffer.Flush()
}

// TestP4_AppDownDuringLogin: the app is down when the password comes, with and without a session that is already
// verified. The answer is 502, the session stays what it was, and when the app is back the next attempt succeeds.
func TestP4_AppDownDuringLogin(t *testing.T) {
	t.Parallel()
	app := demo.New(demo.Options{Knobs: demo.Knobs{Record: 100}})
	t.Cleanup(app.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	serve := func(listener net.Listener) (stop func()) {
		server := &http.Server{Handler: app, ReadHeaderTimeout: 10 * time.Second}
		done := make(chan struct{})
		go func() { _ = server.Serve(listener); close(done) }()
		return func() { _ = server.Close(); <-done }
	}
	stop := serve(listener)
	l := &ledger{Site: site.Start(t, address, commonLines+formLogin+jsonLogin+askIdentity+staticPublic, site.Options{}), app: app}
	l.enrolled(t, "alice", demo.AlicePassword)
	bob, _ := l.verified(t, "bob", demo.BobPassword)
	stranger := l.Client(t)
	stranger.Get("/login").Wants(t, http.StatusOK, "")

	stop()
	for _, c := range []*site.Client{stranger, bob} {
		got := signInScript(c, "alice", demo.AlicePassword)
		if got.StatusCode != http.StatusBadGateway {
			t.Errorf("app down: %d %s", got.StatusCode, got.Text)
		}
	}
	wantsState(t, stranger, "anonymous", "")
	wantsState(t, bob, "verified", "bob")

	if listener, err = net.Listen("tcp", address); err != nil { //nolint:noctx // loopback
		t.Fatal(err)
	}
	defer serve(listener)()
	wantsEntries(t, bob, "bob")
	signInScript(stranger, "alice", demo.AlicePassword).Wants(t, http.StatusUnauthorized, "")
	wantsState(t, stranger, "pending", "alice")
}

// TestP4_SlowIdentity: the app takes for ever to say who is signed in. The question has a limit, after which the login
// is refused. The gateway neither waits for ever nor lets anybody in.
func TestP4_SlowIdentity(t *testing.T) {
	t.Parallel()
	l, strange := newStrange(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic)
	released := make(chan struct{})
	strange.says(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-released:
		}
	})
	c := l.Client(t)
	got := signInScript(c, "alice", demo.AlicePassword)
	if got.StatusCode != http.StatusBadGateway && got.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	wantsNothingOf(t, got)
	close(released)
	strange.says(nil)
	wantsState(t, c, "anonymous", "")
	signInScript(c, "alice", demo.AlicePassword).Wants(t, http.StatusOK, "")
}
