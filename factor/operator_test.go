package factor_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/schema1test"
)

const day = 24 * time.Hour

// setUp sets an authenticator up with a claim.
func (b *bench) setUp(t *testing.T, claim string) error {
	t.Helper()
	proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	if err != nil {
		t.Fatal(err)
	}
	proposal.Claim = claim
	if again, err := factor.DecodeCeremony(proposal.Encode()); err != nil || again.Claim != claim {
		t.Fatalf("the claim does not come back: %q, %v", again.Claim, err)
	}
	_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	return err
}

// TestReset: a reset account has no factor and is not bare. It gets a factor only with the code that was made.
func TestReset(t *testing.T) {
	b := enrolled(t, func(c *factor.Config) { c.Remember = time.Hour })
	issued, err := b.Help().Reset(t.Context(), alice, day)
	wantError(t, "reset", err, nil)
	if !factor.IsOperatorCode(issued.Code) || !issued.Expires.Equal(b.clock.Now().Add(day).Truncate(time.Second)) {
		t.Errorf("%q until %s", issued.Code, issued.Expires)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v %s", issued, issued, issued, &issued), issued.Code) {
		t.Error("printing shows the code")
	}
	status := b.status(t)
	if status.Enrolled || status.Bare() || !status.OwesCode || !status.Known || len(status.Factors) != 0 || status.Activity[0].Kind != factor.EventOperatorReset {
		t.Errorf("%+v", status)
	}
	wantError(t, "a code of the lost authenticator", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), factor.ErrNotEnrolled)
	wantError(t, "the code as a proof", b.Help().SignIn(t.Context(), alice, issued.Code), factor.ErrNotEnrolled)
	wantError(t, "set-up without a code", b.setUp(t, ""), factor.ErrProposalStale)
	wantError(t, "set-up with a claim of one's own", b.setUp(t, issued.Code), factor.ErrProposalStale)
	_, err = b.BeginGrace(t.Context(), alice)
	wantError(t, "grace", err, factor.ErrCodeOwed)
	_, err = b.Offer(t.Context(), alice)
	wantError(t, "offer", err, factor.ErrCodeOwed)
	_, err = b.Help().Claim(t.Context(), alice, "1234-5678-9012-3456-7890")
	wantError(t, "a wrong code", err, factor.ErrWrongCode)
	if b.status(t).Activity[0].Kind != factor.EventFailure {
		t.Error("the activity does not show the wrong code")
	}
	claim, err := b.Help().Claim(t.Context(), alice, " "+strings.ReplaceAll(issued.Code, "-", " ")+"\n")
	if err != nil || claim == "" {
		t.Fatalf("claim: %v", err)
	}
	_, err = b.Help().Claim(t.Context(), alice, issued.Code)
	wantError(t, "the code again", err, factor.ErrWrongCode)
	wantError(t, "set-up", b.setUp(t, claim), nil)
	status = b.status(t)
	if !status.Enrolled || status.OwesCode || status.Activity[len(status.Activity)-1].Kind != factor.EventEnabled {
		t.Errorf("%+v", status)
	}
	if b.record(t).Schema() != factor.Schema2 {
		t.Error("schema 1, although an event is an operator's")
	}
}

// TestCodesEnd: a code ends at its time, with a newer one, with a change of the factors, and with another reset.
func TestCodesEnd(t *testing.T) {
	for name, end := range map[string]func(b *bench){
		"time":        func(b *bench) { b.clock.Advance(time.Hour) },
		"a newer one": func(b *bench) { _, _ = b.Help().MakeCode(t.Context(), alice, day) },
		"new recovery codes": func(b *bench) {
			if _, err := b.NewRecoveryCodes(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
		},
		"a reset": func(b *bench) { wantError(t, "reset", b.setUp(t, ""), nil) },
	} {
		b := enrolled(t)
		issued, err := b.Help().MakeCode(t.Context(), alice, time.Hour)
		wantError(t, name, err, nil)
		if until := b.status(t).CodeUntil; !until.Equal(issued.Expires) {
			t.Errorf("%s: ends at %s", name, until)
		}
		end(b)
		wantError(t, name, b.Help().SignIn(t.Context(), alice, issued.Code), factor.ErrWrongCode)
	}
	b := enrolled(t)
	issued, err := b.Help().MakeCode(t.Context(), alice, time.Hour)
	wantError(t, "made", err, nil)
	b.clock.Advance(time.Hour - 2*time.Second)
	wantError(t, "in time", b.Help().SignIn(t.Context(), alice, issued.Code), nil)
	wantError(t, "again", b.Help().SignIn(t.Context(), alice, issued.Code), factor.ErrWrongCode)
	if status := b.status(t); !status.Enrolled || status.Activity[1].Kind != factor.EventOperatorCodeUsed {
		t.Errorf("%+v", status.Activity)
	}
	claimed, err := b.Help().Reset(t.Context(), alice, day)
	wantError(t, "reset", err, nil)
	claim, err := b.Help().Claim(t.Context(), alice, claimed.Code)
	wantError(t, "claim", err, nil)
	_, err = b.Help().Reset(t.Context(), alice, day)
	wantError(t, "reset in the middle of a set-up", err, nil)
	wantError(t, "the set-up", b.setUp(t, claim), factor.ErrProposalStale)
}

// TestP7_CodesAreUsedOnce: many sessions on two nodes send the same code at the same time; it is accepted once.
func TestP7_CodesAreUsedOnce(t *testing.T) {
	for name, use := range map[string]func(s *factor.Service, code string) error{
		"enrolment": func(s *factor.Service, code string) error {
			_, err := s.Help().Claim(t.Context(), alice, code)
			return err
		},
		"proof": func(s *factor.Service, code string) error { return s.Help().SignIn(t.Context(), alice, code) },
	} {
		b := enrolled(t, func(c *factor.Config) { c.Throttle = factor.Throttle{Free: 90} })
		var issued factor.Issued
		var err error
		if name == "proof" {
			issued, err = b.Help().MakeCode(t.Context(), alice, day)
		} else {
			issued, err = b.Help().Reset(t.Context(), alice, day)
		}
		wantError(t, name, err, nil)
		other := factor.NewService(b.store, b.config)
		var right atomic.Int32
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				service := []*factor.Service{b.Service, other}[i%2]
				switch err := use(service, issued.Code); {
				case err == nil:
					right.Add(1)
				case !errors.Is(err, factor.ErrWrongCode):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		group.Wait()
		if right.Load() != 1 {
			t.Errorf("%s: used %d times", name, right.Load())
		}
	}
}

// TestCodesAreApart: a code is valid for one user of one app only.
func TestCodesAreApart(t *testing.T) {
	b := enrolled(t)
	issued, err := b.Help().MakeCode(t.Context(), alice, day)
	wantError(t, "made", err, nil)
	other := b.config
	other.App = "git"
	git := factor.NewService(b.store, other)
	for _, user := range []string{alice, "bob"} {
		if _, err := git.Help().MakeCode(t.Context(), user, day); err != nil {
			t.Fatal(err)
		}
	}
	// It is refused even if a record of another app holds the same hash.
	record, version, err := b.store.Get(t.Context(), factor.Key{App: "wiki", User: alice})
	wantError(t, "read", err, nil)
	_, there, err := b.store.Get(t.Context(), factor.Key{App: "git", User: alice})
	wantError(t, "read", err, nil)
	if _, err := b.store.Put(t.Context(), factor.Key{App: "git", User: alice}, record, there); err != nil || version == 0 {
		t.Fatal(err)
	}
	wantError(t, "the other app", git.Help().SignIn(t.Context(), alice, issued.Code), factor.ErrWrongCode)
	wantError(t, "the app", b.Help().SignIn(t.Context(), alice, issued.Code), nil)
}

// TestCodesAreThrottled: wrong enrolment codes lead to waits and a stop like all others, and an operator can unblock
// the user.
func TestCodesAreThrottled(t *testing.T) {
	b := enrolled(t, func(c *factor.Config) { c.Throttle = factor.Throttle{Free: 2, Stop: 3} })
	issued, err := b.Help().Reset(t.Context(), alice, day)
	wantError(t, "reset", err, nil)
	for range 2 {
		_, err := b.Help().Claim(t.Context(), alice, "0")
		wantError(t, "wrong", err, factor.ErrWrongCode)
	}
	_, err = b.Help().Claim(t.Context(), alice, issued.Code)
	wantError(t, "right, but too soon", err, factor.ErrThrottled)
	b.clock.Advance(time.Hour)
	_, err = b.Help().Claim(t.Context(), alice, "")
	wantError(t, "empty", err, factor.ErrWrongCode)
	b.clock.Advance(time.Hour)
	_, err = b.Help().Claim(t.Context(), alice, issued.Code)
	wantError(t, "stopped", err, factor.ErrThrottled)
	if !b.status(t).Stopped {
		t.Error("not said")
	}
	wantError(t, "unlock", b.Help().Unblock(t.Context(), alice), nil)
	_, err = b.Help().Claim(t.Context(), alice, issued.Code)
	wantError(t, "unlocked", err, nil)
}

// TestOpen: an opened account is like one that never had a factor, also after a reset.
func TestOpen(t *testing.T) {
	b := enrolled(t)
	wantError(t, "open", b.Help().Open(t.Context(), alice), nil)
	if status := b.status(t); !status.Bare() || status.Known {
		t.Errorf("%+v", status)
	}
	wantError(t, "nobody", b.Help().Open(t.Context(), alice), factor.ErrNotEnrolled)
	_, err := b.Help().Reset(t.Context(), alice, day)
	wantError(t, "reset of nobody", err, factor.ErrNotEnrolled)
	began, err := b.BeginGrace(t.Context(), alice)
	wantError(t, "grace", err, nil)
	_, err = b.Help().Reset(t.Context(), alice, day)
	wantError(t, "reset", err, nil)
	wantError(t, "open again", b.Help().Open(t.Context(), alice), nil)
	if again, err := b.BeginGrace(t.Context(), alice); err != nil || !again.Equal(began) {
		t.Errorf("the grace began anew: %s, %v", again, err)
	}
	for _, lifetime := range []time.Duration{0, time.Millisecond, 721 * time.Hour, -1} {
		_, err := b.Help().MakeCode(t.Context(), alice, lifetime)
		wantError(t, lifetime.String(), err, factor.ErrInvalid)
	}
}

// TestGoldenOperators: what operators leave in a record is read as the first version that had operators wrote it, and
// written again byte for byte. The version before that refuses it with an error.
func TestGoldenOperators(t *testing.T) {
	for _, name := range []string{"reset", "claimed", "coded"} {
		content, err := os.ReadFile("testdata/schema2-" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		document := strings.TrimSpace(string(content))
		record, err := factor.DecodeRecord([]byte(document))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := factor.EncodeRecord(record); err != nil || string(again) != document {
			t.Errorf("%s: not written byte for byte (%v):\n%s", name, err, again)
		}
		if _, err := schema1test.Decode([]byte(document)); err == nil {
			t.Errorf("%s: the previous version accepts it", name)
		}
	}
}
