package site

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// HookSecret is what the notices for a Receiver are to be signed with.
const HookSecret = "a secret of the receiver's"

// Receiver is a webhook's receiver, which checks each notice as docs/audit.md says that a receiver should.
type Receiver struct {
	// Away: it answers 503 to each attempt.
	Away atomic.Bool

	t       testing.TB
	address string

	mutex sync.Mutex
	// notices are what it took, in order; attempts is how often each was delivered; bodies are those of all attempts.
	notices  []Notice
	attempts map[string]int
	bodies   strings.Builder
}

// Notice is one that came.
type Notice struct {
	Event, App, User, Actor, Method, Outcome, Reason, Client, Session, Request, Time string
}

// NewReceiver starts one.
func NewReceiver(t testing.TB) *Receiver {
	t.Helper()
	h := &Receiver{t: t, attempts: make(map[string]int)}
	h.address = Serve(t, h)
	return h
}

// Line is what a site's block says for it.
func (h *Receiver) Line() string {
	return "notify webhook http://" + h.address + "/in {\n\tsecret \"" + HookSecret + "\"\n}\n"
}

// ServeHTTP takes a notice.
func (h *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	stamp := r.Header.Get("X-Sallyport-Timestamp")
	mac := hmac.New(sha256.New, []byte(HookSecret))
	mac.Write([]byte(stamp + "." + string(body)))
	if got := r.Header.Get("X-Sallyport-Signature"); got != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		h.t.Errorf("signature %q", got)
	}
	if at, err := strconv.ParseInt(stamp, 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
		h.t.Errorf("timestamp %q", stamp)
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delivery := r.Header.Get("X-Sallyport-Delivery")
	h.attempts[delivery]++
	h.bodies.Write(append(body, '\n'))
	if h.Away.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var notice Notice
	if err := json.Unmarshal(body, &notice); err != nil || delivery == "" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		h.t.Errorf("%s %q: %s: %v", r.Method, delivery, body, err)
	}
	if _, err := time.Parse(time.RFC3339, notice.Time); err != nil {
		h.t.Error(err)
	}
	h.notices = append(h.notices, notice)
}

// Came are the notices that it took.
func (h *Receiver) Came() []Notice {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return slices.Clone(h.notices)
}

// Events are the names of what the notices are about.
func (h *Receiver) Events() (names []string) {
	for _, notice := range h.Came() {
		names = append(names, notice.Event)
	}
	return names
}

// Deliveries is how many different notices came, those included that it did not take.
func (h *Receiver) Deliveries() int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return len(h.attempts)
}

// Text is all that was sent to it.
func (h *Receiver) Text() string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.bodies.String()
}
