package factor_test

import (
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

const (
	totpKind, keyKind, mailKind, smsKind = factor.MethodTOTP, factor.MethodPasskey, factor.MethodMail, factor.MethodSMS
)

// TestP5_WaysThatServe: which ways serve a sign-in, and where a recovery code leads, for all that people have. The
// weaker way of somebody with two passkeys is a way in for whoever has the password and the mailbox.
func TestP5_WaysThatServe(t *testing.T) {
	all := []factor.Method{totpKind, keyKind, mailKind, smsKind, "later"}
	for _, c := range []struct {
		rule     factor.Fallback
		has      []factor.Method
		serve    []factor.Method
		restores bool
	}{
		{"", []factor.Method{totpKind, mailKind}, all, false},
		{"", []factor.Method{keyKind, totpKind, mailKind}, all, false},
		{"", []factor.Method{keyKind, totpKind, keyKind, mailKind}, []factor.Method{keyKind}, true},
		{"any", []factor.Method{keyKind, keyKind, totpKind}, all, false},
		{"same", []factor.Method{keyKind, totpKind, mailKind}, []factor.Method{keyKind}, true},
		{"same", []factor.Method{totpKind, mailKind}, []factor.Method{totpKind, keyKind, "later"}, false},
		{"same", []factor.Method{smsKind, mailKind}, []factor.Method{totpKind, keyKind, mailKind, smsKind, "later"}, false},
		{"none", []factor.Method{totpKind, keyKind, mailKind}, []factor.Method{keyKind}, true},
		{"none", []factor.Method{mailKind, totpKind}, []factor.Method{totpKind}, false},
		{"none", []factor.Method{smsKind, mailKind}, []factor.Method{smsKind}, false},
	} {
		has := append(c.has[:len(c.has):len(c.has)], factor.MethodRecovery)
		var serve []factor.Method
		for _, kind := range all {
			if c.rule.Serves(kind, has) {
				serve = append(serve, kind)
			}
		}
		if !sameKinds(serve, c.serve) {
			t.Errorf("%q with %v: %v, want %v", c.rule, c.has, serve, c.serve)
		}
		if !c.rule.Serves(factor.MethodRecovery, has) || c.rule.Restores(has) != c.restores {
			t.Errorf("%q with %v: a recovery code restores: %t", c.rule, c.has, c.rule.Restores(has))
		}
	}
}

// sameKinds reports whether two lists hold the same kinds.
func sameKinds(a, b []factor.Method) bool {
	has := make(map[factor.Method]int)
	for _, kind := range a {
		has[kind]++
	}
	for _, kind := range b {
		has[kind]--
	}
	for _, n := range has {
		if n != 0 {
			return false
		}
	}
	return true
}

// TestP1_FirstFactorByACode: somebody who has only a password sets up the first factor, where a code is needed for
// that: without one, with one that she makes up, with a set-up that she began before, and after the user has disabled
// all. The control: with the code that was made it goes, once.
func TestP1_FirstFactorByACode(t *testing.T) {
	b := newBench(t, func(c *factor.Config) { c.EnrolmentCode = true })
	if status := b.status(t); !status.OwesCode || status.Reset || !status.Bare() || status.Known {
		t.Errorf("nobody knows alice: %+v", status)
	}
	wantError(t, "without a code", b.setUp(t, ""), factor.ErrProposalStale)
	_, err := b.Help().Claim(t.Context(), alice, "1234-5678-9012-3456-7890")
	wantError(t, "a code that was made up", err, factor.ErrWrongCode)
	if b.record(t).Throttle.Failures != 1 || b.status(t).Enrolled {
		t.Error("it was not counted")
	}
	issued, err := b.Help().MakeCode(t.Context(), alice, day)
	wantError(t, "make a code", err, nil)
	wantError(t, "without the code that there is", b.setUp(t, ""), factor.ErrProposalStale)
	_, err = b.BeginGrace(t.Context(), alice)
	wantError(t, "grace", err, nil)
	claim, err := b.Help().Claim(t.Context(), alice, issued.Code)
	wantError(t, "the code", err, nil)
	_, err = b.Help().Claim(t.Context(), alice, issued.Code)
	wantError(t, "the code again", err, factor.ErrWrongCode)
	wantError(t, "set-up", b.setUp(t, claim), nil)
	if status := b.status(t); !status.Enrolled || status.OwesCode {
		t.Errorf("%+v", status)
	}
	wantError(t, "disable", b.Disable(t.Context(), alice), nil)
	wantError(t, "with the old claim", b.setUp(t, claim), factor.ErrProposalStale)
}

// TestP1_FirstFactorsAreThrottled: somebody guesses enrolment codes of a user of whom nothing is known.
func TestP1_FirstFactorsAreThrottled(t *testing.T) {
	b := newBench(t, func(c *factor.Config) { c.EnrolmentCode = true })
	for range 5 {
		_, err := b.Help().Claim(t.Context(), alice, strings.Repeat("7", 20))
		wantError(t, "a guess", err, factor.ErrWrongCode)
	}
	_, err := b.Help().Claim(t.Context(), alice, strings.Repeat("7", 20))
	wantError(t, "one too many", err, factor.ErrThrottled)
}

// TestP5_TrustNeedsAKey: a copy of the cookie of a browser without a key opens the account, where only browsers with
// one are trusted: neither a new one is, nor one that was trusted before the operator said so.
func TestP5_TrustNeedsAKey(t *testing.T) {
	b, credential := trusting(t)
	credential = b.wantTrust(firefox(t), t, credential)
	b.clock.Advance(time.Minute)
	later := b.config
	later.RememberKey = true
	if _, err := factor.NewService(b.store, later).UseDevice(firefox(t), alice, credential, factor.Proof{}); err == nil {
		t.Error("a browser that was trusted before is trusted without a key")
	}
	strict := func(c *factor.Config) { c.Remember, c.RememberKey = time.Hour, true }
	b = enrolled(t, strict)
	made, err := b.SignInAndTrust(firefox(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{})
	if err != nil || made != "" || len(b.status(t).Devices) != 0 {
		t.Errorf("trust at the sign-in: %q, %v", made, err)
	}
	b.clock.Advance(time.Minute)
	mark, err := b.SignInAndAsk(firefox(t), alice, typed(b.code(t, b.seed, 0)))
	wantError(t, "sign in", err, nil)
	_, err = b.Trust(firefox(t), alice, mark, factor.Trust{})
	wantError(t, "trust afterwards", err, factor.ErrNotTrusted)
}
