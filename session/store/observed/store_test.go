package observed_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/observed"
	"sallyport.example/sallyport/session/storetest"
)

// heard counts calls by operation and outcome.
type heard struct {
	mutex sync.Mutex
	calls map[string]int
}

func (h *heard) Observe(operation, outcome string, took time.Duration) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.calls == nil {
		h.calls = make(map[string]int)
	}
	if took < 0 {
		outcome = "negative"
	}
	h.calls[operation+" "+outcome]++
}

func (h *heard) wants(t *testing.T, want map[string]int) {
	t.Helper()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if fmt.Sprint(h.calls) != fmt.Sprint(want) {
		t.Errorf("heard %v, want %v", h.calls, want)
	}
	h.calls = nil
}

// TestConformance: an observed store behaves like any other store.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *storetest.Body {
		clock := storetest.NewClock()
		memory := session.NewMemory(session.MemoryOptions{Now: clock.Now, Strangers: 6400})
		t.Cleanup(func() { _ = memory.Close() })
		return &storetest.Body{
			Open:    func() session.Store { return observed.New(memory, new(heard)) },
			Now:     clock.Now,
			Advance: clock.Advance, Strangers: 6400, OwnTombstones: true,
			Stored: func() int {
				memory.Sweep()
				return memory.Len() + memory.Tombstones()
			},
		}
	})
}

// failing is a store whose calls fail.
type failing struct {
	session.Store
	err error
}

func (f failing) FindCtx(context.Context, string) ([]byte, bool, error) { return nil, false, f.err }

// TestEachCallIsTold: the observer is told each call's operation and outcome.
func TestEachCallIsTold(t *testing.T) {
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	h := new(heard)
	store, ctx, soon := observed.New(memory, h), t.Context(), time.Now().Add(time.Hour)
	visit := func(string, []byte) error { return nil }

	_, _, _ = store.FindCtx(ctx, "a")
	_ = store.CommitCtx(ctx, "a", []byte("x"), soon)
	_, version, _, _ := store.FindVersionCtx(ctx, "a")
	_ = store.SwapCtx(ctx, "a", version, []byte("y"), soon)
	_ = store.SwapCtx(ctx, "a", version, []byte("z"), soon)
	_, version, _, _ = store.FindVersionCtx(ctx, "a")
	_ = store.MoveCtx(ctx, "a", version, "b", []byte("z"), soon)
	_ = store.SwapCtx(ctx, "a", version, []byte("z"), soon)
	_, _ = store.ClaimCtx(ctx, "b")
	_ = store.DeleteCtx(ctx, "b")
	_ = store.EachCtx(ctx, visit)
	_ = store.OwnedCtx(ctx, nil, visit)
	_ = store.UnlabelledCtx(ctx, visit)
	h.wants(t, map[string]int{"find ok": 3, "write ok": 2, "write conflict": 1, "write gone": 1, "move ok": 1, "delete ok": 2, "list ok": 3})

	for err, want := range map[error]string{
		errors.New("away"): "find unavailable", context.DeadlineExceeded: "find unavailable",
		fmt.Errorf("find: %w", context.Canceled): "find cancelled",
	} {
		_, _, _ = observed.New(failing{memory, err}, h).FindCtx(ctx, "a")
		h.wants(t, map[string]int{want: 1})
	}
}

// TestVisitorsErrors: an error of visit is not counted as the store's.
func TestVisitorsErrors(t *testing.T) {
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	h, stop := new(heard), errors.New("enough")
	_ = memory.CommitCtx(t.Context(), "a", []byte("x"), time.Now().Add(time.Hour))
	if err := observed.New(memory, h).EachCtx(t.Context(), func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	h.wants(t, map[string]int{"list ok": 1})
}
