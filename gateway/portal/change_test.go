package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// TestP5_ChangesWantAFreshCode: somebody who finds alice's browser open tries to disable her factor, replace it, or get
// new recovery codes. Each needs a code, unless she gave one within `reauth`.
func TestP5_ChangesWantAFreshCode(t *testing.T) {
	for _, path := range []string{"/disable", "/reset", "/recovery-codes"} {
		h := newHouse(t, func(c *exchange.Config) { c.Reauth = time.Hour })
		key, _ := h.enrol()
		v := h.visitor(gate.Verified)
		if w := v.get(path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `name="code"`) {
			t.Errorf("%s asks for no code: %d", path, w.Code)
		}
		for _, code := range []string{"", "x"} {
			if w := v.post(path, url.Values{"code": {code}}); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s with the code %q: %d", path, code, w.Code)
			}
		}
		if !h.enrolled() || len(v.session().Proposal) > 0 || len(v.session().Codes) > 0 {
			t.Fatalf("%s was done without a code: %+v", path, v.session())
		}
		// The control: with a code the change works, and afterwards without one too.
		if w := v.post(path, url.Values{"code": {h.code(key)}}); w.Code != http.StatusSeeOther {
			t.Errorf("%s with the right code: %d", path, w.Code)
		}
		if path == "/disable" {
			if h.enrolled() || !h.told(event.FactorsDisabled) {
				t.Error("disable: nothing was disabled")
			}
			continue
		}
		if w := v.post(path, nil); w.Code != http.StatusSeeOther {
			t.Errorf("%s again, within reauth: %d", path, w.Code)
		}
		h.clock.Advance(time.Hour)
		v = h.visitor(gate.Verified)
		if w := v.post(path, nil); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s after reauth: %d", path, w.Code)
		}
	}
}

// TestRequiredFactorsStay: if everybody must have a factor, nobody can disable one.
func TestRequiredFactorsStay(t *testing.T) {
	h := newHouse(t, func(c *exchange.Config) { c.RequireEveryone = true })
	key, _ := h.enrol()
	v := h.visitor(gate.Verified)
	if w := v.post("/disable", url.Values{"code": {h.code(key)}}); w.Code != http.StatusForbidden || !h.enrolled() {
		t.Errorf("%d, enrolled %t", w.Code, h.enrolled())
	}
}

// TestP8_SignOut: the token is dead, and the browser is told to forget it. A script gets no page.
func TestP8_SignOut(t *testing.T) {
	h := newHouse(t, nil)
	for _, state := range []gate.State{gate.Pending, gate.Enrolling, gate.Verified} {
		v := h.visitor(state)
		before := v.token
		w := v.post("/logout", nil)
		wants(t, w, http.StatusSeeOther, "/login")
		if (&visitor{h, before}).session() != nil || v.token != "" {
			t.Errorf("%s: the session goes on, or the cookie stays: %v", state, w.Header())
		}
	}
	if !h.told(event.SignedOut) {
		t.Error("no event tells of it")
	}
	v := h.visitor(gate.Verified)
	r := httptest.NewRequest(http.MethodPost, "/second-factor/logout", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	if w := v.send(r); w.Code != http.StatusNoContent {
		t.Errorf("a script: %d", w.Code)
	}
	stays := h.visitor(gate.Verified)
	if w := stays.send(formOf("/logout", nil)); w.Code != http.StatusForbidden || stays.session() == nil {
		t.Errorf("without our form's token: %d", w.Code)
	}
}
