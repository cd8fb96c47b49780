package factor_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
)

func TestVerifyTOTP(t *testing.T) {
	for _, parameters := range []totp.Parameters{
		totp.DefaultParameters(),
		{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute, Skew: 2},
		{Algorithm: totp.SHA512, Digits: 7, Period: 10 * time.Second},
	} {
		b := enrolled(t, func(c *factor.Config) { c.Kinds = kinds(parameters) })
		b.clock.Advance(time.Hour)
		code := b.code(t, b.seed, 0)
		wantError(t, "right code", verifyTOTP(t.Context(), b.Service, alice, code), nil)
		wantError(t, "again", verifyTOTP(t.Context(), b.Service, alice, code), factor.ErrWrongCode)
		b.clock.Advance(parameters.Period)
		wantError(t, "next code", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), nil)
	}
}

// TestP7_Replay: an attacker who saw a code over the user's shoulder types it again, in spellings that trimming or
// Unicode would make equal to it. The record keeps the step, not the text.
func TestP7_Replay(t *testing.T) {
	b := enrolled(t, func(c *factor.Config) { c.Throttle.Free = 50 })
	code := b.code(t, b.seed, 0)
	wantError(t, "first use", verifyTOTP(t.Context(), b.Service, alice, code), nil)
	fullWidth := strings.Map(func(r rune) rune { return r - '0' + '\uff10' }, code)
	arabic := strings.Map(func(r rune) rune { return r - '0' + '\u0660' }, code)
	spellings := []string{
		code, " " + code, code + " ", code + "\n", code[:3] + " " + code[3:], code[:3] + "-" + code[3:], "\u00a0" + code,
		code + "\u00a0", code[:3] + "\u00a0" + code[3:], code + "\u2003", "\u3000" + code, code + "\u200b", "\ufeff" + code,
		code + "\x00", code + "\x85", fullWidth, arabic, "+" + code, code + ".0", "0" + code,
	}
	for _, spelling := range spellings {
		wantError(t, spelling, verifyTOTP(t.Context(), b.Service, alice, spelling), factor.ErrWrongCode)
		_, err := verify(t.Context(), b.Service, alice, spelling)
		wantError(t, spelling+" (either kind)", err, factor.ErrWrongCode)
	}
	if got := b.record(t).Throttle.Failures; got != 2*len(spellings) {
		t.Errorf("%d failures were counted, want %d", got, 2*len(spellings))
	}
	// The code of the step before is in the window, but older than the one used.
	wantError(t, "the code before", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, -1)), factor.ErrWrongCode)
	// The one after is newer.
	wantError(t, "the code after", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 1)), nil)
	wantError(t, "the present code then", verifyTOTP(t.Context(), b.Service, alice, code), factor.ErrWrongCode)
}

// TestSpellings: characters that people and clipboards put between the digits are ignored.
func TestSpellings(t *testing.T) {
	b := enrolled(t)
	for _, spell := range []func(string) string{
		func(c string) string { return " " + c[:3] + " " + c[3:] + "\r\n" },
		func(c string) string { return c[:3] + "\u00a0" + c[3:] },
		func(c string) string { return c[:3] + "-" + c[3:] },
	} {
		b.clock.Advance(30 * time.Second)
		method, err := verify(t.Context(), b.Service, alice, spell(b.code(t, b.seed, 0)))
		if err != nil || method != factor.MethodTOTP {
			t.Errorf("%q, %v", method, err)
		}
	}
}

func TestVerifyRecovery(t *testing.T) {
	b := enrolled(t)
	left, err := verifyRecovery(t.Context(), b.Service, alice, " "+strings.ToUpper(b.codes[4])+" ")
	if err != nil || left != 9 {
		t.Fatalf("%d left, %v", left, err)
	}
	for _, spelling := range []string{b.codes[4], strings.ToUpper(b.codes[4]), strings.ReplaceAll(b.codes[4], "-", ""), strings.ReplaceAll(b.codes[4], "-", "\u00a0")} {
		if left, err = verifyRecovery(t.Context(), b.Service, alice, spelling); !errors.Is(err, factor.ErrWrongCode) || left != 0 {
			t.Errorf("used again as %q: %d left, %v", spelling, left, err)
		}
	}
	method, err := verify(t.Context(), b.Service, alice, b.codes[0])
	if err != nil || method != factor.MethodRecovery {
		t.Errorf("%q, %v", method, err)
	}
	if got := b.record(t); got.Throttle.Failures != 0 || b.codesLeft(t) != 8 {
		t.Errorf("%d failures, %d left", got.Throttle.Failures, b.codesLeft(t))
	}
	method, err = verify(t.Context(), b.Service, alice, "neither this nor that")
	if !errors.Is(err, factor.ErrWrongCode) || method != "" {
		t.Errorf("%q, %v", method, err)
	}
	// A code of one kind is not accepted as the other.
	_, err = verifyRecovery(t.Context(), b.Service, alice, b.code(t, b.seed, 0))
	wantError(t, "a one-time code as a recovery code", err, factor.ErrWrongCode)
	wantError(t, "a recovery code as a one-time code", verifyTOTP(t.Context(), b.Service, alice, b.codes[1]), factor.ErrWrongCode)
}

func TestNewRecoveryCodes(t *testing.T) {
	b := enrolled(t)
	b.clock.Advance(time.Hour)
	codes, err := b.NewRecoveryCodes(t.Context(), alice)
	if err != nil || len(codes) != recovery.Codes {
		t.Fatalf("%d codes, %v", len(codes), err)
	}
	for _, old := range b.codes {
		if slices.Contains(codes, old) {
			t.Error("an old code came back")
		}
	}
	_, err = verifyRecovery(t.Context(), b.Service, alice, b.codes[0])
	wantError(t, "an old code", err, factor.ErrWrongCode)
	left, err := verifyRecovery(t.Context(), b.Service, alice, codes[0])
	if err != nil || left != 9 {
		t.Errorf("a new code: %d left, %v", left, err)
	}
	wantError(t, "the authenticator", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), nil)
}

// TestThrottle goes from the first wrong code to the stop, and to what ends it.
func TestThrottle(t *testing.T) {
	b := enrolled(t)
	for range 4 {
		wantError(t, "free", verifyTOTP(t.Context(), b.Service, alice, b.wrong(t)), factor.ErrWrongCode)
	}
	wantError(t, "a right code sets the count back", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), nil)
	if got := b.record(t).Throttle; got != (factor.ThrottleState{}) {
		t.Errorf("%+v", got)
	}
	b.clock.Advance(time.Minute)

	wait := 30 * time.Second
	for failures := 1; failures <= 100; failures++ {
		method := "totp"
		var err error
		if failures%2 == 0 {
			method = "recovery"
			_, err = verifyRecovery(t.Context(), b.Service, alice, "0000-0000-0000-0000")
		} else {
			err = verifyTOTP(t.Context(), b.Service, alice, b.wrong(t))
		}
		if !errors.Is(err, factor.ErrWrongCode) {
			t.Fatalf("failure %d (%s): %v", failures, method, err)
		}
		if failures < 5 || failures == 100 {
			continue
		}
		// Nothing is judged until the very end of the wait, not even a right code of either kind.
		b.clock.Advance(wait - time.Nanosecond)
		before := b.record(t)
		var throttled *factor.ThrottledError
		for _, code := range []string{b.code(t, b.seed, 0), b.codes[0], b.wrong(t), ""} {
			_, err := verify(t.Context(), b.Service, alice, code)
			if !errors.As(err, &throttled) || !errors.Is(err, factor.ErrThrottled) || throttled.Stopped ||
				!throttled.Until.Equal(b.clock.Now().Add(time.Nanosecond)) {
				t.Fatalf("failure %d: %v", failures, err)
			}
		}
		if after := b.record(t); after.Throttle != before.Throttle || !reflect.DeepEqual(after.Factors, before.Factors) || b.codesLeft(t) != 10 {
			t.Fatal("something was judged while blocked")
		}
		b.clock.Advance(time.Nanosecond)
		wait = min(2*wait, time.Hour)
	}
	for range 3 {
		b.clock.Advance(1000 * time.Hour)
		_, err := verify(t.Context(), b.Service, alice, b.code(t, b.seed, 0))
		var throttled *factor.ThrottledError
		if !errors.As(err, &throttled) || !throttled.Stopped || !throttled.Until.IsZero() {
			t.Fatalf("after the stop: %v", err)
		}
	}
	if status, err := b.Status(t.Context(), alice); err != nil || !status.Stopped || !status.Enrolled {
		t.Errorf("%+v, %v", status, err)
	}
	wantError(t, "the operator", b.Help().Unblock(t.Context(), alice), nil)
	wantError(t, "after it", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), nil)
}

func TestThrottledErrorText(t *testing.T) {
	until := time.Date(2026, 11, 3, 12, 0, 0, 0, time.FixedZone("", 3600))
	for _, test := range []struct {
		err  *factor.ThrottledError
		want string
	}{
		{&factor.ThrottledError{Until: until}, "2026-11-03T11:00:00Z"},
		{&factor.ThrottledError{Stopped: true}, "operator"},
	} {
		if !strings.Contains(test.err.Error(), test.want) || errors.Is(test.err, factor.ErrWrongCode) {
			t.Error(test.err)
		}
	}
}
