package factor_test

import (
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// TestP6_TrustOfTheFuture: a browser that was trusted while the clock was ahead is not trusted for longer than it may
// be, and before that time it never signs in without a code. The control: without a moved clock it does.
func TestP6_TrustOfTheFuture(t *testing.T) {
	for _, ahead := range []time.Duration{time.Second, time.Hour, 365 * 24 * time.Hour} {
		b, credential := trusting(t)
		b.clock.Advance(-time.Hour - ahead) // trusting went an hour on
		b.wantNoTrust(firefox(t), t, credential)
	}
	b, credential := trusting(t)
	b.clock.Advance(time.Second)
	b.wantTrust(firefox(t), t, credential)
}

// TestP7_ThrottleOfTheFuture: a clock that is set back gives an attacker no further guesses: a wait that seems to begin
// in the future is not over, and the count of wrong codes is kept.
func TestP7_ThrottleOfTheFuture(t *testing.T) {
	b := enrolled(t)
	for range 5 {
		if err := verifyTOTP(t.Context(), b.Service, alice, "000000"); !errors.Is(err, factor.ErrWrongCode) {
			t.Fatal(err)
		}
	}
	for range 3 {
		b.clock.Advance(-time.Hour)
		right := b.code(t, b.seed, 0)
		var throttled *factor.ThrottledError
		if err := verifyTOTP(t.Context(), b.Service, alice, right); !errors.As(err, &throttled) {
			t.Errorf("a clock set back: %v, want a wait", err)
		}
	}
	b.clock.Advance(3*time.Hour + time.Minute)
	if err := verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)); err != nil {
		t.Errorf("the control, once the wait is over: %v", err)
	}
}
