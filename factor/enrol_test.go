package factor_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
)

func TestPropose(t *testing.T) {
	for algorithm, size := range map[totp.Algorithm]int{totp.SHA1: 20, totp.SHA256: 32, totp.SHA512: 64} {
		b := newBench(t, func(c *factor.Config) {
			c.Kinds = kinds(totp.Parameters{Algorithm: algorithm, Digits: 8, Period: time.Minute})
		})
		first, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
		if err != nil {
			t.Fatal(err)
		}
		if len(first.Secret) != size || first.Replaces != "" || first.User != alice || first.App != "wiki" ||
			first.Kind != factor.MethodTOTP || !first.Created.Equal(b.clock.Now()) {
			t.Errorf("%s: seed of %d bytes, replaces %q", algorithm, len(first.Secret), first.Replaces)
		}
		second, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
		if err != nil || bytes.Equal(first.Secret, second.Secret) {
			t.Errorf("the same seed twice (%v)", err)
		}
		if status, err := b.Status(t.Context(), alice); err != nil || status.Enrolled {
			t.Errorf("proposing enrolled: %+v, %v", status, err)
		}
		offer, err := b.Show(first)
		if err != nil || offer.Digits != 8 || offer.Period != time.Minute || offer.Algorithm != string(algorithm) ||
			!strings.HasPrefix(offer.URI, "otpauth://totp/Example%20Wiki:alice?secret="+offer.Key+"&issuer=Example%20Wiki") {
			t.Errorf("shown in another form (%v)", err)
		}
	}
	for _, kind := range []factor.Method{"", "unheard_of", factor.MethodRecovery, factor.MethodNone} {
		_, err := newBench(t).Begin(t.Context(), alice, kind)
		wantError(t, "the set-up of "+string(kind), err, factor.ErrInvalid)
	}
	b := newBench(t, func(c *factor.Config) { c.Random = iotest.ErrReader(errors.New("no entropy")) })
	if proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP); err == nil || len(proposal.Secret) != 0 {
		t.Errorf("a seed without random bytes: %v", err)
	}
}

func TestConfirmSetUp(t *testing.T) {
	b := newBench(t)
	proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	if err != nil {
		t.Fatal(err)
	}
	b.seed = proposal
	for _, wrong := range []string{b.wrong(t), "", "12345", strings.Repeat("9", 100), "0000-0000-0000-0000", b.code(t, proposal, 2)} {
		confirmed, err := b.Confirm(t.Context(), alice, proposal, typed(wrong))
		codes := confirmed.Codes
		if !errors.Is(err, factor.ErrWrongCode) || codes != nil {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if status, err := b.Status(t.Context(), alice); err != nil || status.Enrolled {
		t.Fatalf("a wrong code enrolled: %+v, %v", status, err)
	}
	_, err = b.Confirm(t.Context(), "bob", proposal, typed(b.code(t, proposal, 0)))
	wantError(t, "somebody else's proposal", err, factor.ErrProposalStale)
	empty := proposal
	empty.Secret = nil
	_, err = b.Confirm(t.Context(), alice, empty, typed(b.code(t, proposal, 0)))
	wantError(t, "an empty seed", err, factor.ErrInvalid)

	code := b.code(t, proposal, 0)
	confirmed, err := b.Confirm(t.Context(), alice, proposal, typed(" "+code[:3]+" "+code[3:]))
	codes := confirmed.Codes
	if err != nil || len(codes) != recovery.Codes {
		t.Fatalf("%d codes, %v", len(codes), err)
	}
	// P7: the confirming code is used up.
	wantError(t, "the confirming code", verifyTOTP(t.Context(), b.Service, alice, code), factor.ErrWrongCode)
	b.clock.Advance(30 * time.Second)
	wantError(t, "the next code", verifyTOTP(t.Context(), b.Service, alice, b.code(t, proposal, 0)), nil)
	b.clock.Advance(30 * time.Second)
	confirmed, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	codes = confirmed.Codes
	if !errors.Is(err, factor.ErrAlreadyEnrolled) || codes != nil {
		t.Errorf("confirmed twice: %v", err)
	}
}

func TestConfirmReset(t *testing.T) {
	b := enrolled(t)
	wantError(t, "a failure before", verifyTOTP(t.Context(), b.Service, alice, b.wrong(t)), factor.ErrWrongCode)
	before := b.record(t)
	proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	if err != nil || proposal.Replaces != before.Factors[0].ID {
		t.Fatalf("replaces %q, %v", proposal.Replaces, err)
	}
	_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, b.seed, 0)))
	wantError(t, "a code of the old seed", err, factor.ErrWrongCode)
	wantError(t, "the old token meanwhile", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, -1)), nil)
	wantError(t, "another failure", verifyTOTP(t.Context(), b.Service, alice, b.wrong(t)), factor.ErrWrongCode)

	late, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	if err != nil {
		t.Fatal(err)
	}
	confirmed, err := b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	codes := confirmed.Codes
	if err != nil || codes != nil {
		t.Fatalf("%d codes, %v", len(codes), err)
	}
	after := b.record(t)
	if after.Factors[0].ID == before.Factors[0].ID || !bytes.Equal(after.Factors[0].Secret, proposal.Secret) || b.codesLeft(t) != 10 ||
		after.Throttle.Failures != 1 {
		t.Error("the reset changed something else, or too little")
	}
	wantError(t, "the confirming code", verifyTOTP(t.Context(), b.Service, alice, b.code(t, proposal, 0)), factor.ErrWrongCode)
	wantError(t, "the old token", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 1)), factor.ErrWrongCode)
	wantError(t, "the new token", verifyTOTP(t.Context(), b.Service, alice, b.code(t, proposal, 1)), nil)
	_, err = verifyRecovery(t.Context(), b.Service, alice, b.codes[0])
	wantError(t, "a recovery code", err, nil)

	_, err = b.Confirm(t.Context(), alice, late, typed(b.code(t, late, 0)))
	wantError(t, "a reset of what is gone", err, factor.ErrProposalStale)
	_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 1)))
	wantError(t, "the same reset again", err, factor.ErrProposalStale)
	wantError(t, "disable", b.Disable(t.Context(), alice), nil)
	_, err = b.Confirm(t.Context(), alice, late, typed(b.code(t, late, 0)))
	wantError(t, "a reset after disabling", err, factor.ErrProposalStale)
	if status, err := b.Status(t.Context(), alice); err != nil || status.Enrolled {
		t.Errorf("a stale reset enrolled: %+v, %v", status, err)
	}
}

// TestP7_OneEnrolmentWins: the victim and somebody else who knows only the password confirm different seeds at once,
// through two nodes. One wins, and what is enrolled is what the winner was shown.
func TestP7_OneEnrolmentWins(t *testing.T) {
	for _, reset := range []bool{false, true} {
		b := newBench(t)
		if reset {
			b = enrolled(t)
		}
		nodes := []*factor.Service{b.Service, factor.NewService(b.store, b.config)}
		const parallel = 50
		var wins atomic.Int64
		var group sync.WaitGroup
		var winner atomic.Pointer[factor.Ceremony]
		proposals := make([]factor.Ceremony, parallel)
		for i := range proposals {
			var err error
			if proposals[i], err = nodes[i%2].Begin(t.Context(), alice, factor.MethodTOTP); err != nil {
				t.Fatal(err)
			}
		}
		for i, proposal := range proposals {
			code := b.code(t, proposal, 0)
			group.Go(func() {
				_, err := nodes[i%2].Confirm(t.Context(), alice, proposal, typed(code))
				switch {
				case err == nil:
					wins.Add(1)
					winner.Store(&proposal)
				case !reset && errors.Is(err, factor.ErrAlreadyEnrolled), reset && errors.Is(err, factor.ErrProposalStale):
				default:
					t.Errorf("a loser got %v", err)
				}
			})
		}
		group.Wait()
		if wins.Load() != 1 {
			t.Fatalf("reset %v: %d enrolments won", reset, wins.Load())
		}
		if !bytes.Equal(b.record(t).Factors[0].Secret, winner.Load().Secret) {
			t.Error("what is enrolled is not what the winner was shown")
		}
	}
}
