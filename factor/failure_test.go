package factor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/totp"
)

// TestP7_NoOutcomeWithoutTheCount: an attacker who cuts the store off between the reading and the writing must not
// learn whether the code was right, and a right code that was not stored as used must not open the session.
func TestP7_NoOutcomeWithoutTheCount(t *testing.T) {
	b := enrolled(t)
	h, service := b.hook()
	for _, failure := range []error{
		factor.ErrUnavailable, errors.New("anything"), context.DeadlineExceeded, factor.ErrCorrupt,
		fmt.Errorf("%w: %w", factor.ErrNotFound, factor.ErrUnavailable),
	} {
		h.put = func() error { return failure }
		var texts []string
		for _, code := range []string{b.code(t, b.seed, 0), b.wrong(t), b.codes[0], "0000-0000-0000-0000"} {
			before := h.puts.Load()
			method, err := verify(t.Context(), service, alice, code)
			if tries := h.puts.Load() - before; tries != 1 {
				t.Errorf("an unclear write was tried %d times", tries)
			}
			if err == nil || method != "" || errors.Is(err, factor.ErrWrongCode) || errors.Is(err, factor.ErrNotEnrolled) {
				t.Fatalf("the outcome is revealed: %q, %v", method, err)
			}
			if !errors.Is(err, factor.ErrUnavailable) && !errors.Is(err, factor.ErrCorrupt) {
				t.Errorf("%v is neither unavailable nor corrupt", err)
			}
			texts = append(texts, err.Error())
		}
		for _, text := range texts {
			if text != texts[0] {
				t.Errorf("right and wrong codes can be told apart: %q, %q", texts[0], text)
			}
		}
		codes, err := service.NewRecoveryCodes(t.Context(), alice)
		if err == nil || codes != nil {
			t.Errorf("recovery codes that were not stored are shown: %v", err)
		}
		if err := service.Disable(t.Context(), alice); err == nil || errors.Is(err, factor.ErrNotEnrolled) {
			t.Errorf("disable: %v", err)
		}
	}
	h.put = nil
	wantError(t, "when the store is back", verifyTOTP(t.Context(), service, alice, b.code(t, b.seed, 0)), nil)
}

// TestP6_NothingButNotFoundMeansNotEnrolled goes through the ways in which a store can fail to answer.
func TestP6_NothingButNotFoundMeansNotEnrolled(t *testing.T) {
	b := enrolled(t)
	h, service := b.hook()
	check := func(name string, want error) {
		t.Helper()
		status, err := service.Status(t.Context(), alice)
		if !errors.Is(err, want) || errors.Is(err, factor.ErrNotEnrolled) || status.Enrolled {
			t.Errorf("%s: status: %+v, %v; want %v", name, status, err, want)
		}
		err = verifyTOTP(t.Context(), service, alice, b.code(t, b.seed, 0))
		if !errors.Is(err, want) || errors.Is(err, factor.ErrNotEnrolled) {
			t.Errorf("%s: verify: %v, want %v", name, err, want)
		}
		if _, err := service.Begin(t.Context(), alice, factor.MethodTOTP); !errors.Is(err, want) {
			t.Errorf("%s: propose: %v, want %v", name, err, want)
		}
		codes, err := service.Confirm(t.Context(), alice, b.seed, typed(b.code(t, b.seed, 0)))
		if !errors.Is(err, want) || codes != nil {
			t.Errorf("%s: confirm: %v, want %v", name, err, want)
		}
		if err := service.Disable(t.Context(), alice); !errors.Is(err, want) || errors.Is(err, factor.ErrNotEnrolled) {
			t.Errorf("%s: disable: %v, want %v", name, err, want)
		}
	}
	for name, test := range map[string]struct{ failure, want error }{
		"unavailable":       {factor.ErrUnavailable, factor.ErrUnavailable},
		"unknown":           {errors.New("404 not found"), factor.ErrUnavailable},
		"corrupt":           {fmt.Errorf("deep: %w", factor.ErrCorrupt), factor.ErrCorrupt},
		"deadline":          {context.DeadlineExceeded, factor.ErrUnavailable},
		"doubtful":          {fmt.Errorf("%w: %w", factor.ErrNotFound, context.DeadlineExceeded), factor.ErrUnavailable},
		"doubtful too":      {errors.Join(factor.ErrNotFound, factor.ErrUnavailable), factor.ErrUnavailable},
		"corrupt not found": {errors.Join(factor.ErrNotFound, factor.ErrCorrupt), factor.ErrCorrupt},
		"conflict":          {factor.ErrConflict, factor.ErrUnavailable},
	} {
		h.get = func() error { return test.failure }
		check(name, test.want)
	}
	h.get = nil
	for name, forge := range map[string]func(*factor.Record, *factor.Version){
		"zero record":          func(r *factor.Record, _ *factor.Version) { *r = factor.Record{} },
		"no factor":            func(r *factor.Record, _ *factor.Version) { r.Factors = nil },
		"recovery codes only":  func(r *factor.Record, _ *factor.Version) { r.Factors = r.Factors[1:] },
		"empty seed":           func(r *factor.Record, _ *factor.Version) { r.Factors[0].Secret = nil },
		"empty seed, schema 2": func(r *factor.Record, _ *factor.Version) { r.Factors[0].Name, r.Factors[0].Secret = "x", nil },
		"no state":             func(r *factor.Record, _ *factor.Version) { r.Factors[0].State = nil },
		"state of another":     func(r *factor.Record, _ *factor.Version) { r.Factors[0].State = r.Factors[1].State },
		"no state of codes":    func(r *factor.Record, _ *factor.Version) { r.Factors[1].State = []byte("{}") },
		"somebody else's":      func(r *factor.Record, _ *factor.Version) { r.User = "bob" },
		"without a version":    func(_ *factor.Record, v *factor.Version) { *v = 0 },
		"with a negative step": func(r *factor.Record, _ *factor.Version) {
			r.Factors[0].State = bytes.Replace(r.Factors[0].State, []byte(`"step":`), []byte(`"step":-`), 1)
		},
	} {
		h.forged = forge
		check(name, factor.ErrCorrupt)
	}
	h.forged = nil
	wantError(t, "when the store is back", verifyTOTP(t.Context(), service, alice, b.code(t, b.seed, 0)), nil)
}

// TestEndlessConflict: a store that never lets a write through ends as unavailable, within the time that is given.
func TestEndlessConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := enrolled(t)
		h, service := b.hook()
		h.put = func() error { return factor.ErrConflict }
		began := time.Now()
		_, err := verify(t.Context(), service, alice, b.code(t, b.seed, 0))
		wantError(t, "verify", err, factor.ErrUnavailable)
		if took := time.Since(began); took > factor.DefaultTimeout {
			t.Errorf("took %s", took)
		}
		if h.puts.Load() < 100 {
			t.Errorf("only %d tries", h.puts.Load())
		}
	})
}

// hanging is a store that answers only when the operation is given up.
type hanging struct{ factor.Store }

func (hanging) Get(ctx context.Context, _ factor.Key) (factor.Record, factor.Version, error) {
	<-ctx.Done()
	return factor.Record{}, 0, ctx.Err()
}

// TestTimeout: a store that hangs is given up after the time set, also for those who wait in the queue behind it, and a
// client that hangs up leaves the queue.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := factor.NewService(hanging{}, factor.Config{App: "wiki", Kinds: kinds(totp.Parameters{}), Timeout: 2 * time.Second})
		began := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				wantError(t, "verify", verifyTOTP(t.Context(), service, alice, "123456"), factor.ErrUnavailable)
			})
		}
		group.Go(func() {
			synctest.Wait()
			gone, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := verifyTOTP(gone, service, alice, "123456")
			wantError(t, "queued", err, context.DeadlineExceeded)
			wantError(t, "queued", err, factor.ErrUnavailable)
			if took := time.Since(began); took != time.Second {
				t.Errorf("left the queue after %s", took)
			}
		})
		_, err := service.Status(t.Context(), alice)
		wantError(t, "status", err, factor.ErrUnavailable)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("status took %s", took)
		}
		group.Wait()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("took %s", took)
		}
	})
}
