package gateway

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/gate"
)

// TestP5_DoubtIsSettledFirst: when a stranger's cookies were last used, the app did not say whether they were alice's
// by then. Before they are used again the app is asked. If it names somebody, that is a sign-in: her factor is owed,
// and no public page is shown as alice's.
func TestP5_DoubtIsSettledFirst(t *testing.T) {
	for _, who := range []string{"", "alice"} {
		app, silent := new(raisingApp), false
		s := newRaising(t, func(c *Config) { c.Public = gate.Open("/pub", "/static/door?*") })
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/me" && silent && sid(r) != "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return nil
			}
			app.ServeHTTP(w, r)
			return nil
		})
		alice := s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
		alice.enrol()
		b := s.browser()
		b.get("/login")
		if got := b.get("/pub"); got.body != "secrets of " {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		silent = true
		if got := b.get("/static/door?n=" + who + "&w=pw-" + who); got.StatusCode != http.StatusBadGateway {
			t.Fatalf("%q: the link: %d %s", who, got.StatusCode, got.body)
		}
		silent = false
		got := b.get("/pub")
		if who == "" {
			if got.body != "secrets of " {
				t.Errorf("nobody signed in: %d %s", got.StatusCode, got.body)
			}
			continue
		}
		if strings.Contains(got.body, "alice") {
			t.Errorf("a public page is %d %s", got.StatusCode, got.body)
		}
		b.wantsState("pending", "alice")
		if got := b.get("/pub"); strings.Contains(got.body, "alice") {
			t.Errorf("with the factor owed, it is %d %s", got.StatusCode, got.body)
		}
	}
}
