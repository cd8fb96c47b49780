package underway

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

type endingKey struct{}

// TestEnding: an Ending behaves like a context of the standard library, whenever it is asked.
func TestEnding(t *testing.T) {
	cause := errors.New("over")
	for name, when := range map[string]string{"nobody waits": "never", "waited for before": "before", "waited for after": "after"} {
		t.Run(name, func(t *testing.T) {
			parent, stop := context.WithCancel(context.WithValue(t.Context(), endingKey{}, "value"))
			defer stop()
			e := &Ending{Context: parent}
			if when == "before" {
				_ = e.Done()
			}
			if e.Err() != nil || e.Value(endingKey{}) != "value" {
				t.Fatalf("%v %v", e.Err(), e.Value(endingKey{}))
			}
			e.End(cause)
			e.End(errors.New("later"))
			if when == "after" {
				<-e.Done()
			}
			if !errors.Is(e.Err(), context.Canceled) || e.Value(endingKey{}) != "value" {
				t.Errorf("behind the end: %v %v", e.Err(), e.Value(endingKey{}))
			}
			<-e.Done()
			if got := context.Cause(e); !errors.Is(got, cause) {
				t.Errorf("the cause: %v", got)
			}
		})
	}
	t.Run("with the request", func(t *testing.T) {
		parent, stop := context.WithCancel(t.Context())
		e := &Ending{Context: parent}
		done := e.Done()
		stop()
		<-done
		if late := (&Ending{Context: parent}); late.Err() == nil {
			t.Error("the request is over")
		}
	})
	t.Run("children need no goroutine", func(t *testing.T) {
		e := &Ending{Context: context.Background()}
		before := runtime.NumGoroutine()
		child, stop := context.WithCancel(e)
		defer stop()
		if runtime.NumGoroutine() > before {
			t.Error("a goroutine waits for the parent")
		}
		e.End(cause)
		<-child.Done()
		if !errors.Is(context.Cause(child), cause) {
			t.Errorf("the child's cause: %v", context.Cause(child))
		}
	})
}
