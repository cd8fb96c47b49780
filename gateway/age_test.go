package gateway

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
)

// TestP6_ClockSetBack: a factor was just proved, and then the clock is set back by a second, as time servers do, or the
// next request is served by a machine whose clock is a second behind. That proof once counted as fresh for ever, and
// the factor could be disabled without a code. The control: a second later instead, within `reauth`, no code is asked
// for.
func TestP6_ClockSetBack(t *testing.T) {
	for name, test := range map[string]struct {
		reauth, moved time.Duration
		asks          bool
	}{
		"reauth never, a second behind":   {0, -time.Second, true},
		"reauth never, a second later":    {0, time.Second, true},
		"reauth an hour, a second behind": {time.Hour, -time.Second, true},
		"reauth an hour, a day behind":    {time.Hour, -24 * time.Hour, true},
		"reauth an hour, a second later":  {time.Hour, time.Second, false},
		"reauth half an hour, and it was": {30 * time.Minute, 30 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, demo.Knobs{}, func(c *Config) { c.Reauth, c.Recheck = test.reauth, 48*time.Hour })
			key := s.enrolled("bob", demo.BobPassword)
			b := s.browser()
			b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
			b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/")
			s.clock.Advance(test.moved)
			got := b.own("/disable", "/disable", nil)
			status, err := s.factors.Status(t.Context(), "bob")
			if err != nil {
				t.Fatal(err)
			}
			if status.Enrolled != test.asks {
				t.Errorf("enrolled: %v after %d", status.Enrolled, got.StatusCode)
			}
		})
	}
}

// TestGraceOfTheFuture: a grace period that begins in the future lets nobody in. Otherwise a clock that was set back
// would make the period longer than it is.
func TestGraceOfTheFuture(t *testing.T) {
	for moved, status := range map[time.Duration]int{time.Minute: http.StatusSeeOther, -time.Minute: http.StatusForbidden} {
		s := newSite(t, demo.Knobs{}, func(c *Config) { c.RequireEveryone, c.Grace = true, time.Hour })
		if _, err := s.factors.BeginGrace(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(moved)
		b := s.browser()
		b.signIn("bob", demo.BobPassword)
		if got := b.own("/setup", "/later", nil); got.StatusCode != status {
			t.Errorf("%v: %d, want %d", moved, got.StatusCode, status)
		}
	}
}
