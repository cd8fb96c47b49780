package gateway

import (
	"net/http"
	"testing"
	"time"
)

// TestP6_SlowAppsAreWaitedFor: an app that locks a session, as PHP does, answers nothing else of the session while it
// works on a report. A question before another request waits as that request would. It used to wait for ten seconds
// only, and then each page of the user's was 502 until the report was there. A question about an answer that is there
// waits no longer than before.
func TestP6_SlowAppsAreWaitedFor(t *testing.T) {
	app, asked := new(raisingApp), []time.Duration(nil)
	s := newRaising(t, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/me" {
			deadline, ok := r.Context().Deadline()
			if !ok {
				t.Error("a question without an end")
			}
			asked = append(asked, time.Until(deadline))
		}
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.carol(t)
	carol.get("/x").wants(t, http.StatusOK, "")
	asked = nil
	s.clock.Advance(2 * time.Minute) // the next request then has to ask first
	carol.get("/x").wants(t, http.StatusOK, "")
	if len(asked) != 2 || asked[0] < 50*time.Second || asked[0] > time.Minute || asked[1] > 10*time.Second {
		t.Errorf("before a page, and about it: %v", asked)
	}
	asked = nil
	carol.do("POST", "/write", asForm, "text=1").wants(t, http.StatusOK, "")
	if len(asked) != 1 || asked[0] > 10*time.Second {
		t.Errorf("about an answer: %v", asked)
	}
}
