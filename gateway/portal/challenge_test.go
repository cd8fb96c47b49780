package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// TestP7_CodesVerifyOnce: the right code verifies one session, which gets another token, and no second one. A wrong
// code verifies none.
func TestP7_CodesVerifyOnce(t *testing.T) {
	h := newHouse(t, nil)
	key, _ := h.enrol()
	v, again := h.visitor(gate.Pending), h.visitor(gate.Pending)
	page := v.get("/challenge")
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), `name="code"`) {
		t.Fatalf("the page: %d %s", page.Code, page.Body)
	}
	right := h.code(key)
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	if w := v.post("/challenge", url.Values{"code": {wrong}}); w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("a wrong code: %d", w.Code)
	}
	v.wantsState(gate.Pending)
	if w := v.post("/challenge", nil); w.Code != http.StatusUnprocessableEntity || len(h.events) != 1 {
		t.Fatalf("no code: %d, %v", w.Code, h.events)
	}
	before := v.token
	wants(t, v.post("/challenge", url.Values{"code": {right}}), http.StatusSeeOther, "/wanted")
	v.wantsState(gate.Verified)
	if v.token == before || (&visitor{h, before}).session() != nil {
		t.Error("the token is the same as before (P8)")
	}
	if v.session().Method() != "totp" || !h.told(event.ChallengePassed) || !h.told(event.ChallengeFailed) {
		t.Errorf("%q, %v", v.session().Method(), h.events)
	}
	if w := again.post("/challenge", url.Values{"code": {right}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("the same code again: %d", w.Code)
	}
	again.wantsState(gate.Pending)
}

// TestP7_RecoveryCodesAreUsedUp: each recovery code verifies one session.
func TestP7_RecoveryCodesAreUsedUp(t *testing.T) {
	h := newHouse(t, nil)
	_, codes := h.enrol()
	v, again := h.visitor(gate.Pending), h.visitor(gate.Pending)
	if w := v.get("/recovery"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `name="code"`) {
		t.Fatalf("the page: %d", w.Code)
	}
	if w := v.post("/recovery", url.Values{"code": {"aaaa-aaaa-aaaa"}}); w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("a wrong code: %d", w.Code)
	}
	wants(t, v.post("/recovery", url.Values{"code": {" " + codes[0] + " "}}), http.StatusSeeOther, "/wanted")
	v.wantsState(gate.Verified)
	if v.session().Method() != "recovery" || v.session().Notice == "" || !h.told(event.RecoveryCodeUsed) {
		t.Errorf("%+v, %v", v.session(), h.events)
	}
	if w := again.post("/recovery", url.Values{"code": {codes[0]}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("the same code again: %d", w.Code)
	}
	again.wantsState(gate.Pending)
	wants(t, again.post("/recovery", url.Values{"code": {codes[1]}}), http.StatusSeeOther, "/wanted")
}

// TestP7_TooManyWrongCodes: somebody who has the password tries codes. After a few, no code is judged, not even the
// right one.
func TestP7_TooManyWrongCodes(t *testing.T) {
	h := newHouse(t, nil)
	key, _ := h.enrol()
	v := h.visitor(gate.Pending)
	for range 20 {
		if w := v.post("/challenge", url.Values{"code": {"x"}}); w.Code == http.StatusTooManyRequests {
			break
		}
	}
	w := v.post("/challenge", url.Values{"code": {h.code(key)}})
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !h.told(event.Throttled) {
		t.Fatalf("%d, %q, %v", w.Code, w.Header().Get("Retry-After"), h.events)
	}
	r := httptest.NewRequest(http.MethodPost, "/second-factor/challenge", strings.NewReader(`{"code":"`+h.code(key)+`"}`))
	r.Header.Set("Content-Type", "application/json")
	if w := v.send(r); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("a script: %d, %q", w.Code, w.Header().Get("Retry-After"))
	}
	v.wantsState(gate.Pending)
}

// TestScriptsGetNoPage: a script gets 204 for the right code, and a problem document for a wrong one.
func TestScriptsGetNoPage(t *testing.T) {
	h := newHouse(t, nil)
	key, _ := h.enrol()
	v := h.visitor(gate.Pending)
	send := func(code string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/second-factor/challenge", strings.NewReader(`{"code":"`+code+`"}`))
		r.Header.Set("Content-Type", "application/json")
		return v.send(r)
	}
	if w := send("x"); w.Code != http.StatusUnprocessableEntity || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("a wrong code: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if w := send(h.code(key)); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Fatalf("the right code: %d %s", w.Code, w.Body)
	}
	v.wantsState(gate.Verified)
}

// TestP6_NobodyOwesWhatTheyDoNotHave: a session is pending because the store was unreachable. As soon as the store says
// that there is no factor, the session goes on: to the app, or to the set-up if everybody must have one.
func TestP6_NobodyOwesWhatTheyDoNotHave(t *testing.T) {
	v := newHouse(t, nil).visitor(gate.Pending)
	wants(t, v.get("/challenge"), http.StatusSeeOther, "/wanted")
	v.wantsState(gate.Verified)

	v = newHouse(t, func(c *exchange.Config) { c.RequireEveryone = true }).visitor(gate.Pending)
	wants(t, v.get("/challenge"), http.StatusSeeOther, "/second-factor/setup")
	v.wantsState(gate.Enrolling)
}
