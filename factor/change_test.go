package factor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/factor"
)

// nodes are several services over one store, as several processes would be: they share no queue.
func (b *bench) nodes(count int) []*factor.Service {
	nodes := make([]*factor.Service, count)
	for i := range nodes {
		nodes[i] = factor.NewService(b.store, b.config)
	}
	return nodes
}

// TestP7_OneCodeWinsOnce: the same code is sent fifty times at once, to one node and to many.
func TestP7_OneCodeWinsOnce(t *testing.T) {
	for _, count := range []int{1, 7, 50} {
		for _, kind := range []string{"totp", "recovery"} {
			t.Run(fmt.Sprintf("%s on %d nodes", kind, count), func(t *testing.T) {
				b := enrolled(t, func(c *factor.Config) { c.Throttle = factor.Throttle{Free: 100, Stop: 100} })
				code := b.code(t, b.seed, 0)
				if kind == "recovery" {
					code = b.codes[7]
				}
				nodes := b.nodes(count)
				var wins, losses atomic.Int64
				var group sync.WaitGroup
				for i := range 50 {
					group.Go(func() {
						_, err := nodes[i%count].Verify(t.Context(), alice, code)
						switch {
						case err == nil:
							wins.Add(1)
						case errors.Is(err, factor.ErrWrongCode):
							losses.Add(1)
						default:
							t.Errorf("%v", err)
						}
					})
				}
				group.Wait()
				if wins.Load() != 1 || losses.Load() != 49 {
					t.Errorf("%d wins, %d losses", wins.Load(), losses.Load())
				}
			})
		}
	}
}

// TestP7_ParallelGuesses: three hundred wrong codes at once buy no more guesses than one after the other.
func TestP7_ParallelGuesses(t *testing.T) {
	for _, count := range []int{1, 10} {
		b := enrolled(t)
		wrong := b.wrong(t)
		nodes := b.nodes(count)
		var judged, throttled atomic.Int64
		var group sync.WaitGroup
		for i := range 300 {
			group.Go(func() {
				var err error
				if i%3 == 0 {
					_, err = nodes[i%count].VerifyRecovery(t.Context(), alice, "0000-0000-0000-0000")
				} else {
					err = nodes[i%count].VerifyTOTP(t.Context(), alice, wrong)
				}
				switch {
				case errors.Is(err, factor.ErrWrongCode):
					judged.Add(1)
				case errors.Is(err, factor.ErrThrottled):
					throttled.Add(1)
				default:
					t.Errorf("%v", err)
				}
			})
		}
		group.Wait()
		if judged.Load() != 5 || throttled.Load() != 295 {
			t.Errorf("%d nodes: %d judged, %d throttled; want 5 and 295", count, judged.Load(), throttled.Load())
		}
		if got := b.record(t).Throttle.Failures; got != 5 {
			t.Errorf("%d failures counted", got)
		}
	}
}

// hooked is a store that calls a function before an operation, which may answer in its stead.
type hooked struct {
	factor.Store
	get    func() error
	put    func() error
	puts   atomic.Int64
	gets   atomic.Int64
	forged func(*factor.Record, *factor.Version)
}

func (h *hooked) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	h.gets.Add(1)
	if h.get != nil {
		if err := h.get(); err != nil {
			return factor.Record{}, 0, err
		}
	}
	record, version, err := h.Store.Get(ctx, key)
	if err == nil && h.forged != nil {
		h.forged(&record, &version)
	}
	return record, version, err
}

func (h *hooked) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	h.puts.Add(1)
	if h.put != nil {
		if err := h.put(); err != nil {
			return 0, err
		}
	}
	return h.Store.Put(ctx, key, record, expected)
}

func (h *hooked) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	if h.put != nil {
		if err := h.put(); err != nil {
			return err
		}
	}
	return h.Store.Delete(ctx, key, expected)
}

func (b *bench) hook() (*hooked, *factor.Service) {
	h := &hooked{Store: b.store}
	return h, factor.NewService(h, b.config)
}

// TestOneReadAndOneWrite is the price of a verification (design, section 8).
func TestOneReadAndOneWrite(t *testing.T) {
	b := enrolled(t)
	h, service := b.hook()
	wantError(t, "right", service.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0)), nil)
	wantError(t, "wrong", service.VerifyTOTP(t.Context(), alice, b.wrong(t)), factor.ErrWrongCode)
	_, err := service.VerifyRecovery(t.Context(), alice, b.codes[0])
	wantError(t, "recovery", err, nil)
	if h.gets.Load() != 3 || h.puts.Load() != 3 {
		t.Errorf("%d reads, %d writes", h.gets.Load(), h.puts.Load())
	}
}

// TestP7_NoOutcomeWithoutTheCount: whoever cuts the store off between the reading and the writing must not learn
// whether the code was right, nor may a right code count as used for the session only.
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
			method, err := service.Verify(t.Context(), alice, code)
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
	wantError(t, "when the store is back", service.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0)), nil)
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
		err = service.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0))
		if !errors.Is(err, want) || errors.Is(err, factor.ErrNotEnrolled) {
			t.Errorf("%s: verify: %v, want %v", name, err, want)
		}
		if _, err := service.Propose(t.Context(), alice); !errors.Is(err, want) {
			t.Errorf("%s: propose: %v, want %v", name, err, want)
		}
		codes, err := service.Confirm(t.Context(), alice, b.seed, b.code(t, b.seed, 0))
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
		"no factor":            func(r *factor.Record, _ *factor.Version) { r.TOTP = nil },
		"empty seed":           func(r *factor.Record, _ *factor.Version) { r.TOTP.Secret = nil },
		"somebody else's":      func(r *factor.Record, _ *factor.Version) { r.User = "bob" },
		"without a version":    func(_ *factor.Record, v *factor.Version) { *v = 0 },
		"of a future schema":   func(r *factor.Record, _ *factor.Version) { r.Schema++ },
		"with a negative step": func(r *factor.Record, _ *factor.Version) { r.TOTP.Step = -5 },
	} {
		h.forged = forge
		check(name, factor.ErrCorrupt)
	}
	h.forged = nil
	wantError(t, "when the store is back", service.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0)), nil)
}

// TestP7_HangingUpCancelsNoCount: a client that closes the connection at once does not get free guesses.
func TestP7_HangingUpCancelsNoCount(t *testing.T) {
	b := enrolled(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		wantError(t, "wrong code", b.VerifyTOTP(gone, alice, b.wrong(t)), factor.ErrWrongCode)
	}
	wantError(t, "throttled", b.VerifyTOTP(gone, alice, b.code(t, b.seed, 0)), factor.ErrThrottled)
	if got := b.record(t).Throttle.Failures; got != 5 {
		t.Errorf("%d failures counted", got)
	}
	if status, err := b.Status(gone, alice); err != nil || !status.Enrolled {
		t.Errorf("%+v, %v", status, err)
	}
}

// TestConflictIsJudgedAnew: between reading and writing somebody else uses the very code; it must not be good for both.
func TestConflictIsJudgedAnew(t *testing.T) {
	b := enrolled(t)
	h, service := b.hook()
	code := b.code(t, b.seed, 0)
	var once sync.Once
	h.put = func() error {
		once.Do(func() { wantError(t, "the other node", b.VerifyTOTP(t.Context(), alice, code), nil) })
		return nil
	}
	wantError(t, "the slower one", service.VerifyTOTP(t.Context(), alice, code), factor.ErrWrongCode)

	// The user disables while a code is judged: nothing is written back.
	b.clock.Advance(time.Minute)
	var again sync.Once
	h.put = func() error {
		again.Do(func() { wantError(t, "disable", b.Disable(t.Context(), alice), nil) })
		return nil
	}
	wantError(t, "a code while disabling", service.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0)), factor.ErrNotEnrolled)
	wantError(t, "disabled twice", service.Disable(t.Context(), alice), factor.ErrNotEnrolled)
}

// TestNewSetWhileJudging: another node makes a new set of recovery codes while a code of it is being judged against the
// old one. Judged anew, it must be hashed anew, with the new set's salt.
func TestNewSetWhileJudging(t *testing.T) {
	b := enrolled(t)
	key := factor.Key{App: b.config.App, User: alice}
	old := b.record(t)
	codes, err := b.NewRecoveryCodes(t.Context(), alice)
	wantError(t, "new codes", err, nil)
	renewed, version, err := b.store.Get(t.Context(), key)
	wantError(t, "get", err, nil)
	version, err = b.store.Put(t.Context(), key, old, version)
	wantError(t, "the old set for now", err, nil)

	h, service := b.hook()
	var once sync.Once
	h.put = func() error {
		once.Do(func() {
			_, err := b.store.Put(t.Context(), key, renewed, version)
			wantError(t, "the other node", err, nil)
		})
		return nil
	}
	left, err := service.VerifyRecovery(t.Context(), alice, codes[0])
	if err != nil || left != 9 {
		t.Errorf("%d left, %v", left, err)
	}
}

// TestDisabledByTwo: both wanted it off and it is; the slower one learns that there was nothing left.
func TestDisabledByTwo(t *testing.T) {
	b := enrolled(t)
	h, service := b.hook()
	var once sync.Once
	h.put = func() error {
		once.Do(func() { wantError(t, "the other node", b.Disable(t.Context(), alice), nil) })
		return nil
	}
	wantError(t, "the slower one", service.Disable(t.Context(), alice), factor.ErrNotEnrolled)
}

// TestEndlessConflict: a store that never lets a write through ends as unavailable, within the time that is given.
func TestEndlessConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := enrolled(t)
		h, service := b.hook()
		h.put = func() error { return factor.ErrConflict }
		began := time.Now()
		_, err := service.Verify(t.Context(), alice, b.code(t, b.seed, 0))
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
		service := factor.NewService(hanging{}, factor.Config{App: "wiki", Timeout: 2 * time.Second})
		began := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				wantError(t, "verify", service.VerifyTOTP(t.Context(), alice, "123456"), factor.ErrUnavailable)
			})
		}
		group.Go(func() {
			synctest.Wait()
			gone, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := service.VerifyTOTP(gone, alice, "123456")
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
