package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestP5_RaisedBackBesideALink: a link signs in by its path, and the app takes more than a moment for the page behind
// it. Meanwhile carol signs in again as herself. If the app is asked after that, it names carol, although the page was
// alice's.
func TestP5_RaisedBackBesideALink(t *testing.T) {
	app := newGated()
	held := false
	s := newRaising(t, nil)
	s.serve(upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimSuffix(r.URL.Path, ".js"), "/")
		if len(parts) != 4 || parts[3] != "pw-"+parts[2] {
			app.raisingApp.ServeHTTP(w, r)
			return
		}
		app.mutex.Lock()
		app.raise(sid(r), parts[2])
		app.mutex.Unlock()
		if held {
			app.arrived <- struct{}{}
			<-app.release
		}
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(w, "secretsOf(%q)", parts[2])
	}), app.open))
	carol := s.carol(t)
	if got := carol.get("/in/carol/pw-carol.js"); got.body != `secretsOf("carol")` {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	held = true
	link := carol.rawRest(t, "GET", "/in/alice/pw-alice.js", "Connection: close\r\n\r\n")
	<-app.arrived
	// If the app is asked before that goes out, it names alice.
	carol.do("POST", "/other", asForm, "u=carol&p=pw-carol").wants(t, http.StatusSeeOther, challengePage)
	app.open()
	// All of the page comes or nothing: the session has ended meanwhile, which may break the connection off.
	if body, _ := io.ReadAll(link); strings.Contains(string(body), "secretsOf") {
		t.Errorf("carol reads %s", body)
	}
	held = false
	if got := carol.get("/in/alice/pw-alice.js"); strings.Contains(got.body, "alice") {
		t.Errorf("and again %s", got.body)
	}
}
