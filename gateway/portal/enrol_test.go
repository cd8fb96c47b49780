package portal

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// TestSetUp: a user sets up the factor that is owed and sees the recovery codes once. The user's other sessions end.
func TestSetUp(t *testing.T) {
	h := newHouse(t, func(c *exchange.Config) { c.RequireEveryone = true })
	v, other := h.visitor(gate.Enrolling), h.visitor(gate.Verified)
	if w := v.get("/setup"); w.Code != http.StatusOK {
		t.Fatalf("the page: %d", w.Code)
	}
	wants(t, v.post("/setup", nil), http.StatusSeeOther, "/second-factor/setup")
	key := find(t, secretKey, v.get("/setup"))
	wants(t, v.post("/setup", nil), http.StatusSeeOther, "/second-factor/setup")
	if again := find(t, secretKey, v.get("/setup")); again != key {
		t.Error("pressed twice, it shows another key")
	}
	if w := v.post("/setup/confirm", url.Values{"code": {"x"}}); w.Code != http.StatusUnprocessableEntity || h.enrolled() {
		t.Fatalf("a wrong code: %d, enrolled %t", w.Code, h.enrolled())
	}
	v.wantsState(gate.Enrolling)
	wants(t, v.post("/setup/confirm", url.Values{"code": {h.code(key)}}), http.StatusSeeOther, "/second-factor/recovery-codes")
	v.wantsState(gate.Verified)
	if !h.enrolled() || !h.told(event.FactorAdded) || other.session() != nil {
		t.Errorf("enrolled %t, %v, the other session %+v", h.enrolled(), h.events, other.session())
	}
	code := find(t, recoveryCode, v.get("/recovery-codes"))
	if w := v.get("/recovery-codes"); recoveryCode.MatchString(w.Body.String()) {
		t.Error("the codes are shown a second time")
	}
	next := h.visitor(gate.Pending)
	wants(t, next.post("/recovery", url.Values{"code": {code}}), http.StatusSeeOther, "/wanted")
}

// TestP6_SetUpIsForThoseWithout: somebody who has only the password of an enrolled account tries to set up a factor of
// her own.
func TestP6_SetUpIsForThoseWithout(t *testing.T) {
	h := newHouse(t, nil)
	v := h.visitor(gate.Verified)
	wants(t, v.post("/setup", nil), http.StatusSeeOther, "/second-factor/setup")
	key := find(t, secretKey, v.get("/setup"))
	h.enrol()
	if w := v.post("/setup/confirm", url.Values{"code": {h.code(key)}}); w.Code != http.StatusConflict {
		t.Errorf("confirmed after another: %d", w.Code)
	}
	if w := v.post("/setup", nil); w.Code != http.StatusConflict {
		t.Errorf("begun after another: %d", w.Code)
	}
	enrolling := h.visitor(gate.Enrolling)
	if w := enrolling.post("/setup", nil); w.Code != http.StatusConflict {
		t.Errorf("begun where a set-up is owed no more: %d", w.Code)
	}
}

// TestProposalsRunOut: a QR code that was shown too long ago cannot be confirmed.
func TestProposalsRunOut(t *testing.T) {
	for after, want := range map[time.Duration]int{proposalLifetime - time.Second: http.StatusSeeOther, proposalLifetime: http.StatusConflict} {
		h := newHouse(t, nil)
		v := h.visitor(gate.Verified)
		v.post("/setup", nil)
		key := find(t, secretKey, v.get("/setup"))
		h.clock.Advance(after)
		if w := v.post("/setup/confirm", url.Values{"code": {h.code(key)}}); w.Code != want {
			t.Errorf("after %v: %d, want %d", after, w.Code, want)
		}
	}
}

// meanwhile is a store in which something happens right after one read.
type meanwhile struct {
	factor.Store
	then func()
}

func (s *meanwhile) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	record, version, err := s.Store.Get(ctx, key)
	if then := s.then; then != nil {
		s.then = nil
		then()
	}
	return record, version, err
}

// TestP7_SetUpBesideAnother: somebody who has the password presses "Set up" at the very moment in which the owner
// confirms hers, between two looks at the record. What began was a reset of the owner's factor, for which nobody had
// proved anything. The control: without the owner, a set-up begins.
func TestP7_SetUpBesideAnother(t *testing.T) {
	for _, state := range []gate.State{gate.Verified, gate.Enrolling} {
		for _, beside := range []bool{false, true} {
			memory := factor.NewMemoryStore()
			store := &meanwhile{Store: memory}
			kinds := []factor.Kind{totp.New("", totp.Parameters{}), recovery.New(1000)}
			h := newHouse(t, func(c *exchange.Config) {
				c.RequireEveryone = state == gate.Enrolling
				c.Factors = factor.NewService(store, factor.Config{App: "ledger", Now: c.Now, Kinds: kinds})
			})
			h.factors = factor.NewService(memory, factor.Config{App: "ledger", Now: h.clock.Now, Kinds: kinds})
			v := h.visitor(state)
			if beside {
				store.then = func() { h.enrol() }
			}
			w := v.post("/setup", nil)
			began := v.session() != nil && len(v.session().Proposal) > 0
			if began == beside {
				t.Errorf("%s, beside another %t: %d to %q, a set-up has begun: %t", state, beside, w.Code, w.Header().Get("Location"), began)
			}
		}
	}
}
