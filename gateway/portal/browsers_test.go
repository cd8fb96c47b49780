package portal

import (
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
)

// TestForgetBrowsers: a user without a factor trusts no browser. If none is trusted, no event is emitted.
func TestForgetBrowsers(t *testing.T) {
	h := newHouse(t, nil)
	v := h.visitor(gate.Verified)
	if w := v.post("/browsers", nil); w.Code != http.StatusConflict {
		t.Errorf("without a factor: %d", w.Code)
	}
	h.enrol()
	for _, id := range []string{"", "nobody"} {
		wants(t, v.post("/browsers", url.Values{"id": {id}}), http.StatusSeeOther, "/second-factor/")
		if v.session().Notice == "" || h.told(event.BrowserForgotten) {
			t.Errorf("%q: %+v, %v", id, v.session(), h.events)
		}
	}
}
