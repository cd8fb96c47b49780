package factor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
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
						_, err := verify(t.Context(), nodes[i%count], alice, code)
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
					_, err = verifyRecovery(t.Context(), nodes[i%count], alice, "0000-0000-0000-0000")
				} else {
					err = verifyTOTP(t.Context(), nodes[i%count], alice, wrong)
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

// hooked is a store that calls a function before each operation. The function may answer instead of the store.
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

// TestOneReadAndOneWrite: a verification costs one read and one write (contract 8).
func TestOneReadAndOneWrite(t *testing.T) {
	b := enrolled(t)
	h, service := b.hook()
	wantError(t, "right", verifyTOTP(t.Context(), service, alice, b.code(t, b.seed, 0)), nil)
	wantError(t, "wrong", verifyTOTP(t.Context(), service, alice, b.wrong(t)), factor.ErrWrongCode)
	_, err := verifyRecovery(t.Context(), service, alice, b.codes[0])
	wantError(t, "recovery", err, nil)
	if h.gets.Load() != 3 || h.puts.Load() != 3 {
		t.Errorf("%d reads, %d writes", h.gets.Load(), h.puts.Load())
	}
}

// TestP7_HangingUpCancelsNoCount: a client that closes the connection at once does not get free guesses.
func TestP7_HangingUpCancelsNoCount(t *testing.T) {
	b := enrolled(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		wantError(t, "wrong code", verifyTOTP(gone, b.Service, alice, b.wrong(t)), factor.ErrWrongCode)
	}
	wantError(t, "throttled", verifyTOTP(gone, b.Service, alice, b.code(t, b.seed, 0)), factor.ErrThrottled)
	if got := b.record(t).Throttle.Failures; got != 5 {
		t.Errorf("%d failures counted", got)
	}
	if status, err := b.Status(gone, alice); err != nil || !status.Enrolled {
		t.Errorf("%+v, %v", status, err)
	}
}

// TestConflictIsJudgedAnew: between reading and writing, another request uses the same code. Only one of them may win.
func TestConflictIsJudgedAnew(t *testing.T) {
	b := enrolled(t)
	h, service := b.hook()
	code := b.code(t, b.seed, 0)
	var once sync.Once
	h.put = func() error {
		once.Do(func() { wantError(t, "the other node", verifyTOTP(t.Context(), b.Service, alice, code), nil) })
		return nil
	}
	wantError(t, "the slower one", verifyTOTP(t.Context(), service, alice, code), factor.ErrWrongCode)

	// The user disables the factors while a code is judged: nothing is written back.
	b.clock.Advance(time.Minute)
	var again sync.Once
	h.put = func() error {
		again.Do(func() { wantError(t, "disable", b.Disable(t.Context(), alice), nil) })
		return nil
	}
	wantError(t, "a code while disabling", verifyTOTP(t.Context(), service, alice, b.code(t, b.seed, 0)), factor.ErrNotEnrolled)
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
	left, err := verifyRecovery(t.Context(), service, alice, codes[0])
	if err != nil || left != 9 {
		t.Errorf("%d left, %v", left, err)
	}
}

// TestDisabledByTwo: of two requests that disable the factors at once, the slower one gets ErrNotEnrolled.
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
