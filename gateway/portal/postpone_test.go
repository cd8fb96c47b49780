package portal

import (
	"net/http"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// TestLater: with a grace period, set-up can be postponed until the period is over, and it does not begin a second
// time.
func TestLater(t *testing.T) {
	h := newHouse(t, func(c *exchange.Config) { c.RequireEveryone, c.Grace = true, time.Hour })
	wants(t, h.visitor(gate.Enrolling).post("/later", nil), http.StatusSeeOther, "/wanted")
	h.clock.Advance(time.Hour - time.Second)
	v := h.visitor(gate.Enrolling)
	wants(t, v.post("/later", nil), http.StatusSeeOther, "/wanted")
	v.wantsState(gate.Verified)
	h.clock.Advance(time.Second)
	v = h.visitor(gate.Enrolling)
	if w := v.post("/later", nil); w.Code != http.StatusForbidden {
		t.Errorf("after the time of grace: %d", w.Code)
	}
	v.wantsState(gate.Enrolling)

	strict := newHouse(t, func(c *exchange.Config) { c.RequireEveryone = true }).visitor(gate.Enrolling)
	wants(t, strict.post("/later", nil), http.StatusSeeOther, "/second-factor/setup")
	strict.wantsState(gate.Enrolling)
}
