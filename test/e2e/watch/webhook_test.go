package watch

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// hookSecret is what notices are signed with.
const hookSecret = "a secret of the receiver's"

// hook is a receiver of notices, which checks each notice as docs/audit.md says.
type hook struct {
	t       *testing.T
	address string
	away    atomic.Bool

	mutex sync.Mutex
	// events are the received events, in order; deliveries are how often each came.
	events     []string
	deliveries map[string]int
	text       strings.Builder
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{t: t, deliveries: make(map[string]int)}
	h.address = site.Serve(t, h)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	stamp := r.Header.Get("X-Sallyport-Timestamp")
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(stamp + "." + string(body)))
	if got := r.Header.Get("X-Sallyport-Signature"); got != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		h.t.Errorf("signature %q", got)
	}
	if at, err := strconv.ParseInt(stamp, 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
		h.t.Errorf("timestamp %q", stamp)
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.deliveries[r.Header.Get("X-Sallyport-Delivery")]++
	h.text.Write(body)
	if h.away.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var content struct{ Event, App, User, Actor, Time string }
	if err := json.Unmarshal(body, &content); err != nil || content.App != "ledger" || content.User != "alice" || content.Actor != "user" {
		h.t.Errorf("%s: %v", body, err)
	}
	if _, err := time.Parse(time.RFC3339, content.Time); err != nil {
		h.t.Error(err)
	}
	h.events = append(h.events, content.Event)
}

func (h *hook) came() []string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return slices.Clone(h.events)
}

// TestWebhook: the receiver gets the events about users' factors, signed and in order, and no others. While the
// receiver is down no request waits, and a reload of the configuration loses no event. Neither the log nor Caddy's
// configuration has the secret.
func TestWebhook(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	g := start(t, "notify webhook http://"+h.address+"/in {\n\tsecret \""+hookSecret+"\"\n}\n", site.Options{Level: "DEBUG"})
	c, phone, codes := g.member(t, "127.0.0.1")
	within(t, 10*time.Second, "the first notice", func() bool { return slices.Equal(h.came(), []string{"factor_added"}) })

	h.away.Store(true)
	began := time.Now()
	c.Own("/recovery-codes", "/recovery-codes", url.Values{"code": {codes[0]}})
	c.Own("/disable", "/disable", url.Values{"code": {phone.Code(t)}}).Wants(t, http.StatusSeeOther, "")
	if waited := time.Since(began); waited > 10*time.Second {
		t.Errorf("it took %s", waited)
	}
	if err := g.Reload(); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "a notice is tried", func() bool {
		return value(t, g.adminMetrics(t), `sallyport_notices_total{app="ledger",kind="webhook",outcome="failed"}`) > 0
	})
	h.away.Store(false)
	want := []string{"factor_added", "recovery_code_used", "recovery_codes_made", "factors_disabled"}
	within(t, time.Minute, "the other notices", func() bool { return len(h.came()) >= len(want) })
	if got := h.came(); !slices.Equal(got, want) || len(h.deliveries) != len(want) {
		t.Errorf("%q came in %d deliveries, want %q", got, len(h.deliveries), want)
	}
	if got := value(t, g.adminMetrics(t), `sallyport_notices_total{app="ledger",kind="webhook",outcome="sent"}`); got != float64(len(want)) {
		t.Errorf("%v are counted as sent", got)
	}
	for where, text := range map[string]string{"configuration": g.Admin(t, "/config/"), "log": g.Log(), "notices": h.text.String(), "metrics": g.adminMetrics(t)} {
		for _, private := range []string{hookSecret, demo.AlicePassword, codes[0], phone.Key} {
			if strings.Contains(text, private) {
				t.Errorf("the %s has %q", where, private)
			}
		}
	}
}
