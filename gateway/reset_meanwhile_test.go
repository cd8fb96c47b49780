package gateway

import (
	"net/http"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/operator"
)

// TestP5_ResetDuringTheSignIn: mallory has bob's password, and signs in at the very moment in which an operator resets
// bob, who had no factor yet. Her sign-in has just read that none is owed, for the first time or once more. The reset
// ends bob's sessions, but hers is not there yet; it must not come to be verified after it. It is led to the set-up,
// which asks for the enrolment code.
func TestP5_ResetDuringTheSignIn(t *testing.T) {
	reads := 0
	for ; ; reads++ {
		store := &overtaken{Store: factor.NewMemoryStore(), skip: reads}
		var app operator.App
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Factors = factor.NewService(store, factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now})
			app = operator.App{Name: "ledger", Factors: c.Factors, Sessions: c.Sessions, Events: new(heard)}
		})
		if _, err := s.gateway.site.Config.Factors.Offer(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		desk := &operator.Service{Now: s.clock.Now, Find: func(string) (operator.App, bool) { return app, true }}
		store.skip = reads
		store.then = func() {
			if _, err := desk.Reset(t.Context(), "ledger", "bob", operator.Act{Operator: "grace", Reason: "x"}); err != nil {
				t.Error(err)
			}
		}
		b := s.browser()
		signedIn := b.signIn("bob", demo.BobPassword)
		if store.then != nil {
			break // a sign-in reads no more often
		}
		if got := b.get("/api/entries"); got.StatusCode == http.StatusOK {
			t.Errorf("reset at read %d, the sign-in is answered with %d, and the app is open", reads+1, signedIn.StatusCode)
		}
		b.get("/second-factor/challenge")
		switch to := b.get("/second-factor/").Header.Get("Location"); to {
		case "/second-factor/setup", "/login": // the session was there in time to be ended
		default:
			t.Errorf("reset at read %d: it comes to %q, and not to the set-up", reads+1, to)
		}
	}
	if reads < 2 {
		t.Errorf("a sign-in read %d times", reads)
	}
}
