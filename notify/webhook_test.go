package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/event"
)

// received is a request that the receiver got.
type received struct {
	*http.Request
	at   time.Time
	body []byte
}

// receiver is a real HTTP server, over connections in memory, so that a test decides what time it is.
type receiver struct {
	t      *testing.T
	server *http.Server
	lines  chan net.Conn
	closed chan struct{}

	mutex sync.Mutex
	away  bool
	got   []received
	// answer answers a request; 204 where it is nil.
	answer func(w http.ResponseWriter, r *http.Request)
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, lines: make(chan net.Conn), closed: make(chan struct{})}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(r) }()
	return r
}

// Accept, Close and Addr implement net.Listener.
func (r *receiver) Accept() (net.Conn, error) {
	select {
	case line := <-r.lines:
		return line, nil
	case <-r.closed:
		return nil, net.ErrClosed
	}
}

func (r *receiver) Close() error {
	close(r.closed)
	return nil
}

func (r *receiver) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (r *receiver) dial(context.Context, string, string) (net.Conn, error) {
	r.mutex.Lock()
	away := r.away
	r.mutex.Unlock()
	if away {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	near, far := net.Pipe()
	r.lines <- far
	return near, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mutex.Lock()
	r.got = append(r.got, received{request, time.Now(), body})
	answer := r.answer
	r.mutex.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, request)
}

func (r *receiver) set(change func()) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	change()
}

// hook is a webhook to a receiver.
type hook struct {
	*Webhook
	receiver *receiver
	log      *bytes.Buffer
	mutex    sync.Mutex
	counts   map[string]int
}

var secret = []byte("the receiver's secret")

// try runs a test in a bubble.
func try(t *testing.T, test func(t *testing.T, h *hook)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{receiver: newReceiver(t), log: new(bytes.Buffer), counts: make(map[string]int)}
		transport := &http.Transport{DialContext: h.receiver.dial}
		h.Webhook = NewWebhook(WebhookOptions{
			URL: "http://hooks.example.com/a-secret-path?key=a-secret-too", Secret: secret, App: "wiki", Transport: transport,
			Logger: slog.New(slog.NewTextHandler(h.log, nil)),
			Count: func(app, kind, outcome string) {
				h.mutex.Lock()
				defer h.mutex.Unlock()
				h.counts[app+" "+kind+" "+outcome]++
			},
		})
		test(t, h)
		h.Close()
		transport.CloseIdleConnections()
		_ = h.receiver.server.Close()
		synctest.Wait()
		for _, private := range []string{"a-secret-path", "a-secret-too", string(secret)} {
			if strings.Contains(h.log.String(), private) {
				t.Errorf("the log has %s: %s", private, h.log)
			}
		}
	})
}

// counted is how often a notice went so.
func (h *hook) counted(outcome string) int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.counts["wiki webhook "+outcome]
}

// wants compares the counts.
func (h *hook) wants(t *testing.T, want map[string]int) {
	t.Helper()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if fmt.Sprint(h.counts) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", h.counts, want)
	}
}

func disabled(user string) event.Event {
	return event.Event{
		Name: event.FactorsDisabled, App: "wiki", User: user, Actor: event.ByUser, Method: "none", Outcome: event.Done, Client: "192.0.2.1",
		At: time.Date(2026, 11, 30, 9, 0, 0, 0, time.FixedZone("", 3600)),
	}
}

// all are the requests that came.
func (r *receiver) all() []received {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.Clone(r.got)
}

// users are the users of the notices that came, in order.
func (r *receiver) users() (users []string) {
	for _, one := range r.all() {
		var content struct{ User string }
		if err := json.Unmarshal(one.body, &content); err != nil {
			r.t.Error(err)
		}
		users = append(users, content.User)
	}
	return users
}

// TestNotice: what a notice looks like, and how a receiver checks that it is ours. Of other events there is none.
func TestNotice(t *testing.T) {
	try(t, func(t *testing.T, h *hook) {
		h.Emit(t.Context(), event.Event{Name: event.LoginAccepted, App: "wiki", User: "alice"})
		h.Emit(t.Context(), event.Event{Name: event.LoginFailed, App: "wiki"})
		h.Emit(t.Context(), disabled("alice"))
		synctest.Wait()
		if len(h.receiver.all()) != 1 {
			t.Fatalf("%d requests", len(h.receiver.all()))
		}
		got := h.receiver.all()[0]
		var content map[string]any
		if err := json.Unmarshal(got.body, &content); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"event": "factors_disabled", "app": "wiki", "user": "alice", "actor": "user", "method": "none", "time": "2026-11-30T08:00:00Z",
			"client": "192.0.2.1", "change": "disabled",
		} {
			if content[name] != want {
				t.Errorf("%s is %v, want %s", name, content[name], want)
			}
		}
		stamp := got.Header.Get("X-Sallyport-Timestamp")
		if stamp != strconv.FormatInt(time.Now().Unix(), 10) || got.Header.Get("X-Sallyport-Signature") != "sha256="+Sign(secret, stamp, got.body) {
			t.Errorf("%v", got.Header)
		}
		if got.Method != http.MethodPost || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("X-Sallyport-Delivery") == "" {
			t.Errorf("%s %v", got.Method, got.Header)
		}
		h.wants(t, map[string]int{"wiki webhook sent": 1})
	})
}

// TestTells: users' factors, codes and browsers, and nothing that happens at each sign-in.
func TestTells(t *testing.T) {
	for name, want := range map[event.Name]bool{
		event.FactorAdded: true, event.FactorRemoved: true, event.FactorReset: true, event.FactorsDisabled: true, event.RecoveryCodesMade: true,
		event.RecoveryCodeUsed: true, event.BrowserTrusted: true, event.Stopped: true, event.OperatorReset: true,
		event.LoginAccepted: false, event.ChallengePassed: false, event.Throttled: false, event.SignedOut: false, event.OperatorCode: false,
	} {
		if Tells(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

// TestSign holds the signature against one that `openssl dgst -sha256 -hmac` made.
func TestSign(t *testing.T) {
	if got := Sign([]byte("key"), "1700000000", []byte(`{"event":"stopped"}`)); got != "403741e5463d1e19f644244513fe19164ef6e8ec1e6c4295476cb3910c4c1568" {
		t.Errorf("signature %s", got)
	}
}

// TestRetries: a receiver that is away gets the notice later, the first try within five seconds, the next ones after
// growing pauses: the same delivery, signed anew.
func TestRetries(t *testing.T) {
	try(t, func(t *testing.T, h *hook) {
		h.receiver.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
		h.Emit(t.Context(), disabled("alice"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(h.receiver.all()) < 2 {
			t.Fatalf("%d tries within five seconds", len(h.receiver.all()))
		}
		time.Sleep(10 * time.Minute)
		h.receiver.set(func() { h.receiver.answer = nil })
		time.Sleep(longestRetry)
		synctest.Wait()
		tries := h.receiver.all()
		if n := len(tries); n < 10 || n > 30 {
			t.Errorf("%d tries in eleven minutes", n)
		}
		for i, try := range tries {
			stamp := try.Header.Get("X-Sallyport-Timestamp")
			if try.Header.Get("X-Sallyport-Delivery") != tries[0].Header.Get("X-Sallyport-Delivery") || !bytes.Equal(try.body, tries[0].body) {
				t.Errorf("try %d is another delivery", i)
			}
			if stamp != strconv.FormatInt(try.at.Unix(), 10) || try.Header.Get("X-Sallyport-Signature") != "sha256="+Sign(secret, stamp, try.body) {
				t.Errorf("try %d: %v", i, try.Header)
			}
		}
		h.wants(t, map[string]int{"wiki webhook sent": 1, "wiki webhook failed": len(tries) - 1})
		if log := h.log.String(); strings.Count(log, "do not take")+strings.Count(log, "does not take notices") != 1 || !strings.Contains(log, "takes notices again") {
			t.Errorf("the log: %s", log)
		}
	})
}

// TestReceiverAwayForLong: whoever signs in waits for nothing; a thousand notices wait, in order; the rest is lost, and
// counted, and the log says so once.
func TestReceiverAwayForLong(t *testing.T) {
	try(t, func(t *testing.T, h *hook) {
		h.receiver.away = true
		began := time.Now()
		for i := range 3 * maxWaiting {
			h.Emit(t.Context(), disabled(strconv.Itoa(i)))
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited for %s", waited)
		}
		time.Sleep(time.Hour)
		if len(h.waiting) != maxWaiting {
			t.Errorf("%d wait", len(h.waiting))
		}
		h.receiver.set(func() { h.receiver.away = false })
		time.Sleep(longestRetry)
		synctest.Wait()
		users := h.receiver.users()
		for i, user := range users {
			if user != strconv.Itoa(i) {
				t.Fatalf("the notice %d is of %s", i, user)
			}
		}
		if len(users) != maxWaiting || h.counted("sent") != maxWaiting || h.counted("lost") != 2*maxWaiting {
			t.Errorf("%d came; %v", len(users), h.counted(Lost))
		}
		if strings.Count(h.log.String(), "they are lost") != 1 {
			t.Errorf("the log: %s", h.log)
		}
	})
}

// TestReceiverAwayForADay: no notice is tried for longer than that.
func TestReceiverAwayForADay(t *testing.T) {
	try(t, func(t *testing.T, h *hook) {
		h.receiver.away = true
		h.Emit(t.Context(), disabled("alice"))
		time.Sleep(maxAge + time.Minute)
		synctest.Wait()
		if len(h.waiting) != 0 || h.counted("lost") != 1 || !strings.Contains(h.log.String(), "given up") {
			t.Errorf("%d wait; %v; %s", len(h.waiting), h.counted(Lost), h.log)
		}
	})
}

// TestSlowReceiver: one that takes the request and never answers has nobody wait, and is given up after a while.
func TestSlowReceiver(t *testing.T) {
	try(t, func(t *testing.T, h *hook) {
		h.receiver.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		began := time.Now()
		h.Emit(t.Context(), disabled("alice"))
		h.Emit(t.Context(), disabled("bob"))
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited for %s", waited)
		}
		time.Sleep(attemptPatience + firstRetry)
		h.receiver.set(func() { h.receiver.answer = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if users := h.receiver.users(); len(users) < 3 || users[0] != "alice" || users[len(users)-1] != "bob" || h.counted("sent") != 2 {
			t.Errorf("%q; %v", users, h.counted(Lost))
		}
	})
}

// TestRefusedNotices: a redirect is not followed. What the receiver does not want is given up after a few tries, so
// that what is behind it comes; "later" (429) is no refusal.
func TestRefusedNotices(t *testing.T) {
	for status, tries := range map[int]int{
		http.StatusFound: maxRefusals, http.StatusTemporaryRedirect: maxRefusals, http.StatusNotFound: maxRefusals, http.StatusTooManyRequests: -1,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			try(t, func(t *testing.T, h *hook) {
				h.receiver.answer = func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.URL.Path, "elsewhere") {
						t.Errorf("a redirect was followed to %s", r.URL)
					}
					w.Header().Set("Location", "http://hooks.example.com/elsewhere")
					w.WriteHeader(status)
				}
				h.Emit(t.Context(), disabled("alice"))
				h.Emit(t.Context(), disabled("bob"))
				time.Sleep(30 * time.Minute)
				synctest.Wait()
				users := h.receiver.users()
				switch {
				case tries < 0 && (h.counted("lost") != 0 || users[len(users)-1] != "alice" || len(users) < 30):
					t.Errorf("%d tries; %v", len(users), h.counted(Lost))
				case tries > 0 && (len(users) != 2*tries || h.counted("lost") != 2 || users[tries] != "bob"):
					t.Errorf("%q; %v", users, h.counted(Lost))
				}
			})
		})
	}
}

// TestClose: what waits is sent, if the receiver is there. If it is not, nobody waits for it, and the loss is counted.
func TestClose(t *testing.T) {
	for _, test := range []struct {
		name       string
		away, slow bool
		most       time.Duration
		want       map[string]int
	}{
		{"there", false, false, 0, map[string]int{"wiki webhook sent": 3}},
		{"away", true, false, 0, map[string]int{"wiki webhook failed": 1, "wiki webhook lost": 3}},
		{"slow", false, true, closePatience, map[string]int{"wiki webhook lost": 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			try(t, func(t *testing.T, h *hook) {
				h.receiver.away = test.away
				if test.slow {
					h.receiver.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
				}
				for i := range 3 {
					h.Emit(t.Context(), disabled(strconv.Itoa(i)))
				}
				if test.away {
					synctest.Wait()
				}
				began := time.Now()
				h.Close()
				if waited := time.Since(began); waited > test.most {
					t.Errorf("it took %s", waited)
				}
				h.wants(t, test.want)
				h.Emit(t.Context(), disabled("later"))
				if h.counted("lost") != test.want["wiki webhook lost"]+1 {
					t.Errorf("after the end: %v", h.counted(Lost))
				}
			})
		})
	}
}

// TestCheckWebhookURL: only addresses of the web, whole ones.
func TestCheckWebhookURL(t *testing.T) {
	for address, good := range map[string]bool{
		"https://hooks.example.com/x?y=z": true, "http://127.0.0.1:9000": true, "hooks.example.com/x": false, "ftp://example.com/": false,
		"https:///x": false, "": false, "https://example.com/#x": false, "http://[::1": false,
	} {
		if err := CheckWebhookURL(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestP9_NoticesHoldNoTypedName: the receiver, and whoever reads what it keeps, learns no name that was typed and not
// accepted, no code and no cookie: such events are no notices. The control is a notice that comes.
func TestP9_NoticesHoldNoTypedName(t *testing.T) {
	try(t, func(t *testing.T, h *hook) {
		for _, name := range []event.Name{event.LoginFailed, event.LoginRefused, event.ChallengeFailed, event.SessionEnded, event.StoreUnavailable} {
			h.Emit(t.Context(), event.Event{Name: name, App: "wiki", User: "hunter2", Detail: "hunter2"})
		}
		h.Emit(t.Context(), disabled("alice"))
		synctest.Wait()
		if len(h.receiver.all()) != 1 || bytes.Contains(h.receiver.all()[0].body, []byte("hunter2")) {
			t.Errorf("%d requests", len(h.receiver.all()))
		}
	})
}
