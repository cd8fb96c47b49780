package factor_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

func TestGrace(t *testing.T) {
	b := newBench(t)
	began, err := b.BeginGrace(t.Context(), alice)
	if err != nil || !began.Equal(b.clock.Now()) {
		t.Fatalf("began %v, %v", began, err)
	}
	b.clock.Advance(48 * time.Hour)
	if again, err := b.BeginGrace(t.Context(), alice); err != nil || !again.Equal(began) {
		t.Errorf("two days later: %v, %v; want the beginning to stay", again, err)
	}
	if status := b.status(t); status.Enrolled || len(status.Methods) > 0 || !status.Grace.Equal(began) {
		t.Errorf("status: %+v", status)
	}
	if err := verifyTOTP(t.Context(), b.Service, alice, "000000"); !errors.Is(err, factor.ErrNotEnrolled) {
		t.Errorf("a code: %v", err)
	}
	if err := b.Disable(t.Context(), alice); !errors.Is(err, factor.ErrNotEnrolled) {
		t.Errorf("disable: %v", err)
	}
	proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	if err != nil || proposal.Replaces != "" {
		t.Fatalf("proposal replaces %q, %v", proposal.Replaces, err)
	}
	if _, err := b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0))); err != nil {
		t.Fatal(err)
	}
	if status := b.status(t); !status.Enrolled || !status.Grace.IsZero() {
		t.Errorf("status: %+v", status)
	}
	if _, err := b.BeginGrace(t.Context(), alice); !errors.Is(err, factor.ErrAlreadyEnrolled) {
		t.Errorf("grace for somebody with a factor: %v", err)
	}
	if _, err := b.Offer(t.Context(), alice); !errors.Is(err, factor.ErrAlreadyEnrolled) {
		t.Errorf("offer to somebody with a factor: %v", err)
	}
}

func TestOfferedOnce(t *testing.T) {
	b := newBench(t)
	var offers atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			first, err := b.Offer(t.Context(), alice)
			if err != nil {
				t.Error(err)
			}
			if first {
				offers.Add(1)
			}
		})
	}
	group.Wait()
	if offers.Load() != 1 {
		t.Errorf("%d offers", offers.Load())
	}
	// An offer long ago does not begin the grace.
	b.clock.Advance(1000 * time.Hour)
	if began, err := b.BeginGrace(t.Context(), alice); err != nil || !began.Equal(b.clock.Now()) {
		t.Errorf("grace began %v, %v", began, err)
	}
	if first, err := b.Offer(t.Context(), alice); err != nil || first {
		t.Errorf("after the grace began: offered %v, %v", first, err)
	}
}
