package observed_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/observed"
	"sallyport.example/sallyport/factor/storetest"
)

type silent struct{}

func (silent) Observe(string, string, time.Duration) {}

// TestConformance: an observed store behaves like any other store.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) factor.Store { return observed.New(factor.NewMemoryStore(), silent{}) })
}

// last is how the last call ended.
type last string

func (l *last) Observe(operation, outcome string, _ time.Duration) {
	*l = last(operation + " " + outcome)
}

// fails is a store whose calls fail.
type fails struct{ err error }

func (f fails) Get(context.Context, factor.Key) (factor.Record, factor.Version, error) {
	return factor.Record{}, 0, f.err
}

func (f fails) Put(context.Context, factor.Key, factor.Record, factor.Version) (factor.Version, error) {
	return 0, f.err
}

func (f fails) Delete(context.Context, factor.Key, factor.Version) error { return f.err }

// TestEachCallIsTold: the observer is told each call's operation and outcome.
func TestEachCallIsTold(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, "ok"},
		{factor.ErrNotFound, "not_found"},
		{factor.ErrConflict, "conflict"},
		{fmt.Errorf("%w: sealed", factor.ErrUnavailable), "unavailable"},
		{fmt.Errorf("%w: %w", factor.ErrUnavailable, context.Canceled), "cancelled"},
		{factor.ErrCorrupt, "failed"},
		{errors.New("anything"), "failed"},
	} {
		var heard last
		store := observed.New(fails{test.err}, &heard)
		for operation, call := range map[string]func(){
			"get":    func() { _, _, _ = store.Get(t.Context(), factor.Key{}) },
			"put":    func() { _, _ = store.Put(t.Context(), factor.Key{}, factor.Record{}, 0) },
			"delete": func() { _ = store.Delete(t.Context(), factor.Key{}, 0) },
		} {
			if call(); string(heard) != operation+" "+test.want {
				t.Errorf("%v: heard %q, want %s %s", test.err, heard, operation, test.want)
			}
		}
	}
}
