package portal

import (
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
)

// TestP8_EndingSessions: alice ends one of her other sessions, or all of them. Her own goes on.
func TestP8_EndingSessions(t *testing.T) {
	h := newHouse(t, nil)
	v, first, second := h.visitor(gate.Verified), h.visitor(gate.Verified), h.visitor(gate.Pending)
	listed, err := h.site.Config.Sessions.List(t.Context(), "alice", v.token)
	if err != nil || len(listed) != 3 {
		t.Fatalf("%+v, %v", listed, err)
	}
	for _, s := range listed {
		if !s.Current && s.State == gate.Verified {
			wants(t, v.post("/sessions", url.Values{"id": {s.ID}}), http.StatusSeeOther, "/second-factor/")
		}
	}
	if first.session() != nil || second.session() == nil || v.session() == nil {
		t.Error("not the one that was named")
	}
	wants(t, v.post("/sessions", nil), http.StatusSeeOther, "/second-factor/")
	if second.session() != nil || v.session() == nil || !h.told(event.SessionEnded) {
		t.Error("not the others")
	}
	if v.session().Notice == "" {
		t.Error("nothing is said of it")
	}
	v.get("/")
	if v.session().Notice != "" {
		t.Error("the message is shown again")
	}
}
