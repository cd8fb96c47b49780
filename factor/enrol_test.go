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

	"sallyport/factor"
)

func TestPropose(t *testing.T) {
	for algorithm, size := range map[factor.Algorithm]int{factor.SHA1: 20, factor.SHA256: 32, factor.SHA512: 64} {
		b := newBench(t, func(c *factor.Config) {
			c.Parameters = factor.Parameters{Algorithm: algorithm, Digits: 8, Period: time.Minute}
		})
		first, err := b.Propose(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		if len(first.Secret) != size || first.Replaces != "" || first.User != alice || first.App != "wiki" ||
			first.Parameters != b.config.Parameters || !first.Created.Equal(b.clock.Now()) {
			t.Errorf("%s: seed of %d bytes, replaces %q", algorithm, len(first.Secret), first.Replaces)
		}
		second, err := b.Propose(t.Context(), alice)
		if err != nil || bytes.Equal(first.Secret, second.Secret) {
			t.Errorf("the same seed twice (%v)", err)
		}
		if status, err := b.Status(t.Context(), alice); err != nil || status.Enrolled {
			t.Errorf("proposing enrolled: %+v, %v", status, err)
		}
		if uri := b.URI(first, alice); !strings.HasPrefix(uri, "otpauth://totp/Example%20Wiki:alice?secret="+first.Key()+"&issuer=Example%20Wiki") {
			t.Error("the address has another form")
		}
	}
	b := newBench(t, func(c *factor.Config) { c.Random = iotest.ErrReader(errors.New("no entropy")) })
	if proposal, err := b.Propose(t.Context(), alice); err == nil || len(proposal.Secret) != 0 {
		t.Errorf("a seed without random bytes: %v", err)
	}
}

func TestConfirmSetUp(t *testing.T) {
	b := newBench(t)
	proposal, err := b.Propose(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	b.seed = proposal
	for _, wrong := range []string{b.wrong(t), "", "12345", strings.Repeat("9", 100), "0000-0000-0000-0000", b.code(t, proposal, 2)} {
		codes, err := b.Confirm(t.Context(), alice, proposal, wrong)
		if !errors.Is(err, factor.ErrWrongCode) || codes != nil {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if status, err := b.Status(t.Context(), alice); err != nil || status.Enrolled {
		t.Fatalf("a wrong code enrolled: %+v, %v", status, err)
	}
	_, err = b.Confirm(t.Context(), "bob", proposal, b.code(t, proposal, 0))
	wantError(t, "somebody else's proposal", err, factor.ErrProposalStale)
	empty := proposal
	empty.Secret = nil
	_, err = b.Confirm(t.Context(), alice, empty, b.code(t, empty, 0))
	wantError(t, "an empty seed", err, factor.ErrInvalid)

	code := b.code(t, proposal, 0)
	codes, err := b.Confirm(t.Context(), alice, proposal, " "+code[:3]+" "+code[3:])
	if err != nil || len(codes) != factor.RecoveryCodes {
		t.Fatalf("%d codes, %v", len(codes), err)
	}
	// P7: the confirming code is used up.
	wantError(t, "the confirming code", b.VerifyTOTP(t.Context(), alice, code), factor.ErrWrongCode)
	b.clock.Advance(30 * time.Second)
	wantError(t, "the next code", b.VerifyTOTP(t.Context(), alice, b.code(t, proposal, 0)), nil)
	b.clock.Advance(30 * time.Second)
	codes, err = b.Confirm(t.Context(), alice, proposal, b.code(t, proposal, 0))
	if !errors.Is(err, factor.ErrAlreadyEnrolled) || codes != nil {
		t.Errorf("confirmed twice: %v", err)
	}
}

func TestConfirmReset(t *testing.T) {
	b := enrolled(t)
	wantError(t, "a failure before", b.VerifyTOTP(t.Context(), alice, b.wrong(t)), factor.ErrWrongCode)
	before := b.record(t)
	proposal, err := b.Propose(t.Context(), alice)
	if err != nil || proposal.Replaces != before.TOTP.ID {
		t.Fatalf("replaces %q, %v", proposal.Replaces, err)
	}
	_, err = b.Confirm(t.Context(), alice, proposal, b.code(t, b.seed, 0))
	wantError(t, "a code of the old seed", err, factor.ErrWrongCode)
	wantError(t, "the old token meanwhile", b.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, -1)), nil)
	wantError(t, "another failure", b.VerifyTOTP(t.Context(), alice, b.wrong(t)), factor.ErrWrongCode)

	late, err := b.Propose(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := b.Confirm(t.Context(), alice, proposal, b.code(t, proposal, 0))
	if err != nil || codes != nil {
		t.Fatalf("%d codes, %v", len(codes), err)
	}
	after := b.record(t)
	if after.TOTP.ID == before.TOTP.ID || !bytes.Equal(after.TOTP.Secret, proposal.Secret) || len(after.Recovery.Hashes) != 10 ||
		after.Throttle.Failures != 1 {
		t.Error("the reset changed something else, or too little")
	}
	wantError(t, "the confirming code", b.VerifyTOTP(t.Context(), alice, b.code(t, proposal, 0)), factor.ErrWrongCode)
	wantError(t, "the old token", b.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 1)), factor.ErrWrongCode)
	wantError(t, "the new token", b.VerifyTOTP(t.Context(), alice, b.code(t, proposal, 1)), nil)
	_, err = b.VerifyRecovery(t.Context(), alice, b.codes[0])
	wantError(t, "a recovery code", err, nil)

	_, err = b.Confirm(t.Context(), alice, late, b.code(t, late, 0))
	wantError(t, "a reset of what is gone", err, factor.ErrProposalStale)
	_, err = b.Confirm(t.Context(), alice, proposal, b.code(t, proposal, 1))
	wantError(t, "the same reset again", err, factor.ErrProposalStale)
	wantError(t, "disable", b.Disable(t.Context(), alice), nil)
	_, err = b.Confirm(t.Context(), alice, late, b.code(t, late, 0))
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
		var winner atomic.Pointer[factor.Proposal]
		proposals := make([]factor.Proposal, parallel)
		for i := range proposals {
			var err error
			if proposals[i], err = nodes[i%2].Propose(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
		}
		for i, proposal := range proposals {
			code := b.code(t, proposal, 0)
			group.Go(func() {
				_, err := nodes[i%2].Confirm(t.Context(), alice, proposal, code)
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
		if !bytes.Equal(b.record(t).TOTP.Secret, winner.Load().Secret) {
			t.Error("what is enrolled is not what the winner was shown")
		}
	}
}
