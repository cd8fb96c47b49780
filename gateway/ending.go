package gateway

import (
	"context"
	"sync"
)

// ending is the context of a request that ends with its session. Nearly every request is over long before, so that nothing is
// made until somebody waits for the end; from then on it is what context.WithCancelCause makes.
type ending struct {
	context.Context // the request's own

	mutex  sync.Mutex
	made   context.Context
	cancel context.CancelCauseFunc
	cause  error
}

// end cancels it. The first cause counts.
func (e *ending) end(cause error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.cause != nil {
		return
	}
	e.cause = cause
	if e.made != nil {
		e.cancel(cause)
	}
}

// Done makes the context that is waited for. Package context asks it first of a parent, and then finds by Value what Done
// belongs to, so that children need no goroutine.
func (e *ending) Done() <-chan struct{} {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.made == nil {
		e.made, e.cancel = context.WithCancelCause(e.Context)
		if e.cause != nil {
			e.cancel(e.cause)
		}
	}
	return e.made.Done()
}

// Err is context.Canceled behind the end.
func (e *ending) Err() error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	switch {
	case e.made != nil:
		return e.made.Err()
	case e.cause != nil:
		return context.Canceled
	}
	return e.Context.Err()
}

// Value is the request's own.
func (e *ending) Value(key any) any {
	e.mutex.Lock()
	made := e.made
	e.mutex.Unlock()
	if made != nil {
		return made.Value(key)
	}
	return e.Context.Value(key)
}
