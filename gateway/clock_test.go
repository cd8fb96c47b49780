package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
)

// TestClockOff: a phone's clock is forty seconds off. The user is let in if that is one step. If it is two, she is told
// to check the clock. Five wrong codes and then the right one get in.
func TestClockOff(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	key := s.enrolled("bob", demo.BobPassword)
	at := func(second, off time.Duration) answer {
		t.Helper()
		s.clock.Advance(5 * time.Minute)
		s.clock.Set(s.clock.Now().Truncate(30 * time.Second).Add(second))
		b := s.browser()
		b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		right := s.clock.Now()
		s.clock.Set(right.Add(off))
		code := s.code(key)
		s.clock.Set(right)
		return b.own("/challenge", "/challenge", url.Values{"code": {code}})
	}
	at(20*time.Second, -40*time.Second).wants(t, http.StatusSeeOther, "/")
	at(5*time.Second, 40*time.Second).wants(t, http.StatusSeeOther, "/")
	for _, far := range []answer{at(5*time.Second, -40*time.Second), at(25*time.Second, 40*time.Second)} {
		if far.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(far.body, "check the time on your phone") {
			t.Errorf("two steps off: %d", far.StatusCode)
		}
	}
	for range 2 {
		if wrong := at(5*time.Second, -40*time.Second); wrong.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("wrong: %d", wrong.StatusCode)
		}
	}
	if fifth := at(5*time.Second, -40*time.Second); fifth.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the fifth wrong code: %d", fifth.StatusCode)
	}
	at(5*time.Second, 0).wants(t, http.StatusSeeOther, "/")
}
