// Package observed wraps a store of sessions and tells an observer how long each call took and how it ended.
package observed

import (
	"context"
	"errors"
	"time"

	"sallyport.example/sallyport/session"
)

// The operations of a store of sessions.
const (
	Find   = "find"
	Write  = "write"
	Move   = "move"
	Delete = "delete"
	List   = "list"
)

// Operations returns all operations.
func Operations() []string { return []string{Find, Write, Move, Delete, List} }

// The outcomes of a call.
const (
	// OK is a call that did what it was asked to. A session that is not there is an answer too.
	OK = "ok"
	// Gone means that the session had ended, and Conflict that another process was faster.
	Gone     = "gone"
	Conflict = "conflict"
	// Cancelled means that the caller did not wait.
	Cancelled = "cancelled"
	// Unavailable is any other error.
	Unavailable = "unavailable"
)

// Outcomes returns all outcomes.
func Outcomes() []string { return []string{OK, Gone, Conflict, Cancelled, Unavailable} }

// Observer is told of each call when it has ended. It is called by many goroutines, and must be quick.
type Observer interface {
	Observe(operation, outcome string, took time.Duration)
}

// Store is a session.Store over another one.
type Store struct {
	session.Store
	observer Observer
}

// New makes a Store.
func New(store session.Store, observer Observer) *Store { return &Store{store, observer} }

// tell tells the observer of a call that has ended.
func (s *Store) tell(operation string, began time.Time, err error) {
	outcome := OK
	switch {
	case err == nil:
	case errors.Is(err, session.ErrGone):
		outcome = Gone
	case errors.Is(err, session.ErrChanged):
		outcome = Conflict
	case errors.Is(err, context.Canceled):
		outcome = Cancelled
	default:
		outcome = Unavailable
	}
	s.observer.Observe(operation, outcome, time.Since(began))
}

// FindCtx implements session.Store.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	began := time.Now()
	stored, found, err := s.Store.FindCtx(ctx, token)
	s.tell(Find, began, err)
	return stored, found, err
}

// CommitCtx implements session.Store.
func (s *Store) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	began := time.Now()
	err := s.Store.CommitCtx(ctx, token, stored, expiry)
	s.tell(Write, began, err)
	return err
}

// DeleteCtx implements session.Store.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	began := time.Now()
	err := s.Store.DeleteCtx(ctx, token)
	s.tell(Delete, began, err)
	return err
}

// ClaimCtx implements session.Claimer.
func (s *Store) ClaimCtx(ctx context.Context, token string) (bool, error) {
	began := time.Now()
	claimed, err := s.Store.ClaimCtx(ctx, token)
	s.tell(Delete, began, err)
	return claimed, err
}

// FindVersionCtx implements session.Swapper.
func (s *Store) FindVersionCtx(ctx context.Context, token string) ([]byte, session.Version, bool, error) {
	began := time.Now()
	stored, version, found, err := s.Store.FindVersionCtx(ctx, token)
	s.tell(Find, began, err)
	return stored, version, found, err
}

// SwapCtx implements session.Swapper.
func (s *Store) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	began := time.Now()
	err := s.Store.SwapCtx(ctx, token, expected, stored, expiry)
	s.tell(Write, began, err)
	return err
}

// MoveCtx implements session.Swapper.
func (s *Store) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, stored []byte, expiry time.Time,
) error {
	began := time.Now()
	err := s.Store.MoveCtx(ctx, token, expected, newToken, stored, expiry)
	s.tell(Move, began, err)
	return err
}

// EachCtx implements session.Lister. Its time is that of the whole walk.
func (s *Store) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	return s.walk(visit, func(visit func(token string, stored []byte) error) error { return s.Store.EachCtx(ctx, visit) })
}

// OwnedCtx implements session.Index.
func (s *Store) OwnedCtx(ctx context.Context, owners []session.Owner, visit func(token string, stored []byte) error) error {
	return s.walk(visit, func(visit func(token string, stored []byte) error) error { return s.Store.OwnedCtx(ctx, owners, visit) })
}

// UnlabelledCtx implements session.Index.
func (s *Store) UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	return s.walk(visit, func(visit func(token string, stored []byte) error) error { return s.Store.UnlabelledCtx(ctx, visit) })
}

// walk tells the observer of a walk. An error of visit ends the walk, but is not counted as the store's error.
func (s *Store) walk(
	visit func(token string, stored []byte) error, walk func(func(token string, stored []byte) error) error,
) error {
	began := time.Now()
	var stopped error
	err := walk(func(token string, stored []byte) error {
		stopped = visit(token, stored)
		return stopped
	})
	if stopped != nil {
		s.tell(List, began, nil)
		return err
	}
	s.tell(List, began, err)
	return err
}

// Ping calls the other store's Ping, if it has one.
func (s *Store) Ping(ctx context.Context) error {
	if able, ok := s.Store.(interface{ Ping(context.Context) error }); ok {
		return able.Ping(ctx)
	}
	return nil
}

// Close calls the other store's Close, if it has one.
func (s *Store) Close() error {
	if able, ok := s.Store.(interface{ Close() error }); ok {
		return able.Close()
	}
	return nil
}

var _ session.Store = (*Store)(nil)
