package underway

import (
	"context"
	"sync"
	"sync/atomic"
)

// Ending is the context of a request that ends with its session. Nearly every request is over before its session ends,
// so Ending makes no context until somebody waits for the end. From then on it is a context of context.WithCancelCause.
type Ending struct {
	context.Context // the request's own

	made  atomic.Pointer[madeEnding]
	mutex sync.Mutex // for making the context, and for the cause
	cause error
}

type madeEnding struct {
	context.Context
	cancel context.CancelCauseFunc
}

// End cancels the context. The first cause counts.
func (e *Ending) End(cause error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.cause != nil {
		return
	}
	e.cause = cause
	if made := e.made.Load(); made != nil {
		made.cancel(cause)
	}
}

// Done makes the context that somebody waits for. Package context first asks a parent for Done and then finds the
// context behind it by Value, so that children need no goroutine.
func (e *Ending) Done() <-chan struct{} {
	if made := e.made.Load(); made != nil {
		return made.Done()
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	made := e.made.Load()
	if made == nil {
		made = new(madeEnding)
		made.Context, made.cancel = context.WithCancelCause(e.Context)
		if e.cause != nil {
			made.cancel(e.cause)
		}
		e.made.Store(made)
	}
	return made.Done()
}

// Err returns context.Canceled after the end.
func (e *Ending) Err() error {
	if made := e.made.Load(); made != nil {
		return made.Err()
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.cause != nil {
		return context.Canceled
	}
	return e.Context.Err()
}

// Value returns the value of the request's own context. It is called much more often than the other methods.
func (e *Ending) Value(key any) any {
	if made := e.made.Load(); made != nil {
		return made.Value(key)
	}
	return e.Context.Value(key)
}
