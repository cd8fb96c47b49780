package gateway

import (
	"context"
	"net/http"
	"testing"
)

// TestP6_UnclearWhileTheStoreCannotBeWritten: the app does not say whose carol's session is, and the store cannot be
// told that nobody knows. When the app can say it again, it is asked before the session's next use, and not only at the
// next recheck.
func TestP6_UnclearWhileTheStoreCannotBeWritten(t *testing.T) {
	s, sessions := frailRaising(t)
	app, silent := newScripts(), false
	app.open()
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/me" && silent {
			w.WriteHeader(http.StatusServiceUnavailable)
			return nil
		}
		app.ServeHTTP(w, r)
		return nil
	})
	carol := s.carol(t)
	for range 2 {
		if got := carol.get("/app.js"); got.body != `secretsOf("carol")` {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
	}
	sessions.strike(func(context.Context) error { return errAway }, "commit", "claim", "delete")
	silent = true
	carol.do("POST", "/other", asForm, alicesForm).refusedForNow(t)
	silent = false
	carol.get("/app.js").refusedForNow(t)
	sessions.end()
	carol.get("/x").wants(t, http.StatusSeeOther, challengePage)
	carol.wantsState("pending", "alice")
}
