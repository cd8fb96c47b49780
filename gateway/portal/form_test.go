package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/gate"
)

// TestP5_NoOtherSiteActs: another site's page sends, with alice's cookie, the form that disables her factor. The
// control is the same form from our own page.
func TestP5_NoOtherSiteActs(t *testing.T) {
	h := newHouse(t, nil)
	key, _ := h.enrol()
	v := h.visitor(gate.Verified)
	for name, change := range map[string]func(r *http.Request, values url.Values){
		"no token":       func(_ *http.Request, values url.Values) { values.Del("csrf_token") },
		"an empty token": func(_ *http.Request, values url.Values) { values.Set("csrf_token", "") },
		"another's token": func(_ *http.Request, values url.Values) {
			values.Set("csrf_token", h.visitor(gate.Verified).session().Form)
		},
		"a token and a half":  func(_ *http.Request, values url.Values) { values.Set("csrf_token", values.Get("csrf_token")+"x") },
		"another site's page": func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a neighbour's page":  func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"an old browser's":    func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "https://evil.example") },
		"a page of no origin": func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "null") },
	} {
		values := url.Values{"csrf_token": {v.session().Form}, "code": {h.code(key)}}
		r := formOf("/disable", nil)
		change(r, values)
		body := formOf("/disable", values)
		body.Header = r.Header
		if w := v.send(body); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", name, w.Code)
		}
		if !h.enrolled() {
			t.Fatalf("%s: disabled", name)
		}
	}
	wants(t, v.post("/disable", url.Values{"code": {h.code(key)}}), http.StatusSeeOther, "/second-factor/")
	if h.enrolled() {
		t.Error("the control disabled nothing")
	}
}

// TestFormsAreRead: a form that is malformed, too large or contains a field twice is no attempt.
func TestFormsAreRead(t *testing.T) {
	h := newHouse(t, nil)
	h.enrol()
	v := h.visitor(gate.Pending)
	csrf := "csrf_token=" + url.QueryEscape(v.session().Form)
	for name, test := range map[string]struct {
		contentType, body string
		status            int
	}{
		"the control":       {"application/x-www-form-urlencoded", csrf + "&code=000000", http.StatusUnprocessableEntity},
		"two codes":         {"application/x-www-form-urlencoded", csrf + "&code=000000&code=000001", http.StatusBadRequest},
		"no form":           {"application/x-www-form-urlencoded", csrf + "&code=%zz", http.StatusBadRequest},
		"another charset":   {"application/x-www-form-urlencoded; charset=utf-16", csrf + "&code=000000", http.StatusBadRequest},
		"another type":      {"text/plain", csrf + "&code=000000", http.StatusBadRequest},
		"too large":         {"application/x-www-form-urlencoded", csrf + "&code=" + strings.Repeat("0", maxForm), http.StatusRequestEntityTooLarge},
		"JSON":              {"application/json", `{"code":"000000"}`, http.StatusUnprocessableEntity},
		"JSON, twice":       {"application/json", `{"code":"000000","Code":"000001"}`, http.StatusBadRequest},
		"JSON, no text":     {"application/json", `{"code":1}`, http.StatusBadRequest},
		"JSON and more":     {"application/json", `{"code":"000000"}{}`, http.StatusBadRequest},
		"JSON, not a thing": {"application/json", `"000000"`, http.StatusBadRequest},
	} {
		r := httptest.NewRequest(http.MethodPost, "/second-factor/challenge", strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.contentType)
		if w := v.send(r); w.Code != test.status {
			t.Errorf("%s: %d, want %d", name, w.Code, test.status)
		}
	}
	v.wantsState(gate.Pending)
}
