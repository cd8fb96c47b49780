package watch

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestWebhook: the receiver gets the events about users' factors, signed and in order, and no others. While the
// receiver is down no request waits, and a reload of the configuration loses no event. Neither the log nor Caddy's
// configuration has the secret.
func TestWebhook(t *testing.T) {
	t.Parallel()
	h := site.NewReceiver(t)
	g := start(t, h.Line(), site.Options{Level: "DEBUG"})
	c, phone, codes := g.member(t, "127.0.0.1")
	within(t, 10*time.Second, "the first notice", func() bool { return slices.Equal(h.Events(), []string{"factor_added"}) })

	h.Away.Store(true)
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
	h.Away.Store(false)
	want := []string{"factor_added", "recovery_code_used", "recovery_codes_made", "factors_disabled"}
	within(t, time.Minute, "the other notices", func() bool { return len(h.Events()) >= len(want) })
	if got := h.Events(); !slices.Equal(got, want) || h.Deliveries() != len(want) {
		t.Errorf("%q came in %d deliveries, want %q", got, h.Deliveries(), want)
	}
	for _, notice := range h.Came() {
		if notice.App != "ledger" || notice.User != "alice" || notice.Actor != "user" {
			t.Errorf("%+v", notice)
		}
	}
	if got := value(t, g.adminMetrics(t), `sallyport_notices_total{app="ledger",kind="webhook",outcome="sent"}`); got != float64(len(want)) {
		t.Errorf("%v are counted as sent", got)
	}
	for where, text := range map[string]string{"configuration": g.Admin(t, "/config/"), "log": g.Log(), "notices": h.Text(), "metrics": g.adminMetrics(t)} {
		for _, private := range []string{site.HookSecret, demo.AlicePassword, codes[0], phone.Key} {
			if strings.Contains(text, private) {
				t.Errorf("the %s has %q", where, private)
			}
		}
	}
}
