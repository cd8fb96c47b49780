package portal

import (
	"net/http"
	"testing"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// TestResume: a script gets the app's answer to its login, once. A page load gets nothing and uses nothing up.
func TestResume(t *testing.T) {
	h := newHouse(t, nil)
	v := h.visitor(gate.Verified)
	keep := func(data *session.Data) error {
		data.Delivery = &session.Delivery{Status: http.StatusAccepted, ContentType: "application/json", Body: []byte(`{"in":true}`)}
		return nil
	}
	if _, err := storetest.Update(t.Context(), h.site.Config.Sessions, v.token, keep); err != nil {
		t.Fatal(err)
	}
	page := formOf("/resume", nil)
	page.Method, page.Body = http.MethodGet, http.NoBody
	page.Header.Set("Sec-Fetch-Mode", "navigate")
	if w := v.send(page); w.Code != http.StatusNotFound {
		t.Errorf("a page load: %d", w.Code)
	}
	w := v.get("/resume")
	if w.Code != http.StatusAccepted || w.Body.String() != `{"in":true}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := v.get("/resume"); w.Code != http.StatusNotFound {
		t.Errorf("a second time: %d", w.Code)
	}
}
