package factor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// TestUsedCode: the code that was accepted last gets an error of its own with the time of the next code, in whatever
// digits it is typed. It is counted all the same. An older used code is an ordinary wrong one.
func TestUsedCode(t *testing.T) {
	b := enrolled(t)
	b.clock.Advance(-b.clock.Now().Sub(b.clock.Now().Truncate(30*time.Second)) + 18*time.Second)
	code := b.code(t, b.seed, 0)
	before := b.code(t, b.seed, -1)
	if _, err := b.SignIn(t.Context(), alice, typed(code)); err != nil {
		t.Fatal(err)
	}
	full := strings.Map(func(r rune) rune { return r - '0' + '٠' }, code)
	for i, again := range []string{code, full, code[:3] + " " + code[3:]} {
		_, err := b.SignIn(t.Context(), alice, typed(again))
		var used *factor.UsedCodeError
		if !errors.As(err, &used) || !errors.Is(err, factor.ErrWrongCode) || used.Until.Sub(b.clock.Now()) != 12*time.Second {
			t.Errorf("%s: %v %+v", again, err, used)
		}
		if got := b.record(t).Throttle.Failures; got != i+1 {
			t.Errorf("%d wrong codes counted, want %d", got, i+1)
		}
	}
	var used *factor.UsedCodeError
	if _, err := b.SignIn(t.Context(), alice, typed(before)); !errors.Is(err, factor.ErrWrongCode) || errors.As(err, &used) {
		t.Errorf("the one before: %v", err)
	}
	b.clock.Advance(12 * time.Second)
	if _, err := b.SignIn(t.Context(), alice, typed(b.code(t, b.seed, 0))); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
