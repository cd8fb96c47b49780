package gateway

import (
	"net/http"
	"testing"

	"sallyport.example/sallyport/demo"
)

// TestP7_EarlyDataCanBeReplayed: an attacker on the network can send again what came as early data of TLS 1.3. No
// password and no code is taken from early data (RFC 8470 §5.2). Requests that change nothing are served.
func TestP7_EarlyDataCanBeReplayed(t *testing.T) {
	early := http.Header{"Early-Data": {"1"}, "Content-Type": {asForm}}
	s := newSite(t, demo.Knobs{NoFormToken: true, Record: 100}, formOnly)
	alice := s.browser()
	alice.signIn("alice", demo.AlicePassword)
	key := alice.enrol()
	b := s.browser()
	s.app.ForgetReceived()
	form := "username=alice&password=" + demo.AlicePassword
	if got := b.send("POST", "/login", form, early); got.StatusCode != http.StatusTooEarly {
		t.Errorf("a password: %d", got.StatusCode)
	}
	if received := s.app.Received(); len(received) > 0 {
		t.Errorf("the app got %+v", received)
	}
	b.send("POST", "/login", form, http.Header{"Content-Type": {asForm}}).wants(t, http.StatusSeeOther, challengePage)
	code := "code=" + s.code(key) + "&csrf_token=" + b.token("/challenge")
	if got := b.send("POST", "/second-factor/challenge", code, early); got.StatusCode != http.StatusTooEarly {
		t.Errorf("a code: %d", got.StatusCode)
	}
	b.wantsState("pending", "alice")
	if got := b.send("GET", "/second-factor/challenge", "", http.Header{"Early-Data": {"1"}}); got.StatusCode != http.StatusOK {
		t.Errorf("a page: %d", got.StatusCode)
	}
	b.send("POST", "/second-factor/challenge", code, http.Header{"Content-Type": {asForm}}).wants(t, http.StatusSeeOther, "/")
	b.wantsState("verified", "alice")
}
