// Package observed wraps a store of second factors and tells an observer how long each call took and how it ended.
package observed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport.example/sallyport/factor"
)

// The operations of a store of second factors.
const (
	Get    = "get"
	Put    = "put"
	Delete = "delete"
	List   = "list"
)

// Operations returns all operations.
func Operations() []string { return []string{Get, Put, Delete, List} }

// The outcomes of a call.
const (
	OK = "ok"
	// NotFound says that there certainly is no record, and Conflict that another attempt was faster.
	NotFound = "not_found"
	Conflict = "conflict"
	// Cancelled means that the caller did not wait.
	Cancelled = "cancelled"
	// Unavailable means that the store could not be asked. Failed is any other error, such as a record that cannot be
	// used.
	Unavailable = "unavailable"
	Failed      = "failed"
)

// Outcomes returns all outcomes.
func Outcomes() []string { return []string{OK, NotFound, Conflict, Cancelled, Unavailable, Failed} }

// Observer is told of each call when it has ended. It is called by many goroutines, and must be quick.
type Observer interface {
	Observe(operation, outcome string, took time.Duration)
}

// Store is a factor.Store over another one.
type Store struct {
	store    factor.Store
	observer Observer
}

// New makes a Store.
func New(store factor.Store, observer Observer) *Store { return &Store{store, observer} }

// tell tells the observer of a call that has ended.
func (s *Store) tell(operation string, began time.Time, err error) {
	outcome := OK
	switch {
	case err == nil:
	case errors.Is(err, factor.ErrNotFound):
		outcome = NotFound
	case errors.Is(err, factor.ErrConflict):
		outcome = Conflict
	case errors.Is(err, context.Canceled):
		outcome = Cancelled
	case errors.Is(err, factor.ErrUnavailable):
		outcome = Unavailable
	default:
		outcome = Failed
	}
	s.observer.Observe(operation, outcome, time.Since(began))
}

// Get implements factor.Store.
func (s *Store) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	began := time.Now()
	record, version, err := s.store.Get(ctx, key)
	s.tell(Get, began, err)
	return record, version, err
}

// Put implements factor.Store.
func (s *Store) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	began := time.Now()
	version, err := s.store.Put(ctx, key, record, expected)
	s.tell(Put, began, err)
	return version, err
}

// Delete implements factor.Store.
func (s *Store) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	began := time.Now()
	err := s.store.Delete(ctx, key, expected)
	s.tell(Delete, began, err)
	return err
}

// errNoList is returned if the other store is no factor.Lister.
var errNoList = fmt.Errorf("%w: the store cannot list its records", factor.ErrUnavailable)

// List implements factor.Lister if the other store does.
func (s *Store) List(ctx context.Context, query factor.Query) (factor.Page, error) {
	lister, able := s.store.(factor.Lister)
	if !able {
		return factor.Page{}, errNoList
	}
	began := time.Now()
	page, err := lister.List(ctx, query)
	s.tell(List, began, err)
	return page, err
}

var (
	_ factor.Store  = (*Store)(nil)
	_ factor.Lister = (*Store)(nil)
)
