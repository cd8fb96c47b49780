package seal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport.example/sallyport/session"
)

// Options are the settings of a Store. The zero value means the defaults.
type Options struct {
	// Unreadable is called for each stored value that is not a session, with ErrUnknownKey or ErrDamaged. It may be
	// called from many goroutines at once. Default: none.
	Unreadable func(error)
}

// Store is a session.Store that seals what another one keeps. Safe for concurrent use.
type Store struct {
	session.Contextless
	store   session.Store
	options Options
	ring    *freshRing
}

var _ session.Store = (*Store)(nil)

// New puts a seal around a store. It does no I/O.
func New(store session.Store, keys Keys, options Options) *Store {
	if options.Unreadable == nil {
		options.Unreadable = func(error) {}
	}
	s := &Store{store: store, options: options, ring: newFreshRing(keys)}
	s.Contextless = session.NewContextless(s)
	return s
}

// Unwrap returns the store behind the seal.
func (s *Store) Unwrap() session.Store { return s.store }

// String names the store behind the seal.
func (s *Store) String() string { return fmt.Sprintf("sealed %v", s.store) }

// seal returns the sealed value, and the context with its label. It returns an error if the ring is not available.
func (s *Store) seal(ctx context.Context, token string, value []byte) (context.Context, []byte, error) {
	// A client that hangs up must not prevent a session from being sealed.
	ring, err := s.ring.get(context.WithoutCancel(ctx))
	if err != nil {
		return nil, nil, err
	}
	return ring.label(ctx), ring.seal(token, value), nil
}

// open returns false if the value is not a session, and an error if the ring is not available.
func (s *Store) open(ctx context.Context, token string, sealed []byte) (value []byte, ok bool, err error) {
	ring, err := s.ring.with(ctx, keyOf(sealed))
	if err != nil {
		return nil, false, err
	}
	value, err = ring.open(token, sealed)
	if err != nil {
		s.options.Unreadable(err)
		return nil, false, nil
	}
	return value, true, nil
}

// FindCtx implements scs.CtxStore.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	sealed, found, err := s.store.FindCtx(ctx, token)
	if err != nil || !found {
		return nil, false, err
	}
	return s.open(ctx, token, sealed)
}

// CommitCtx implements scs.CtxStore.
func (s *Store) CommitCtx(ctx context.Context, token string, value []byte, expiry time.Time) error {
	ctx, sealed, err := s.seal(ctx, token, value)
	if err != nil {
		return err
	}
	return s.store.CommitCtx(ctx, token, sealed, expiry)
}

// DeleteCtx implements scs.CtxStore. It needs no key: ending a session works without the ring.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	return s.store.DeleteCtx(ctx, token)
}

// ClaimCtx implements session.Claimer. It needs no key.
func (s *Store) ClaimCtx(ctx context.Context, token string) (bool, error) {
	return s.store.ClaimCtx(ctx, token)
}

// FindVersionCtx implements session.Swapper.
func (s *Store) FindVersionCtx(ctx context.Context, token string) ([]byte, session.Version, bool, error) {
	sealed, version, found, err := s.store.FindVersionCtx(ctx, token)
	if err != nil || !found {
		return nil, session.Version{}, false, err
	}
	value, ok, err := s.open(ctx, token, sealed)
	if err != nil || !ok {
		return nil, session.Version{}, false, err
	}
	return value, version, true, nil
}

// SwapCtx implements session.Swapper.
func (s *Store) SwapCtx(ctx context.Context, token string, expected session.Version, value []byte, expiry time.Time) error {
	ctx, sealed, err := s.seal(ctx, token, value)
	if err != nil {
		return err
	}
	return s.store.SwapCtx(ctx, token, expected, sealed, expiry)
}

// MoveCtx implements session.Swapper.
func (s *Store) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, value []byte, expiry time.Time,
) error {
	ctx, sealed, err := s.seal(ctx, newToken, value)
	if err != nil {
		return err
	}
	return s.store.MoveCtx(ctx, token, expected, newToken, sealed, expiry)
}

// EachCtx implements session.Lister. It skips values that are not sessions; if the ring is not available, the walk ends
// with that error.
func (s *Store) EachCtx(ctx context.Context, visit func(token string, value []byte) error) error {
	return s.store.EachCtx(ctx, s.opening(ctx, visit))
}

// AllCtx implements scs.IterableCtxStore.
func (s *Store) AllCtx(ctx context.Context) (map[string][]byte, error) {
	all := make(map[string][]byte)
	err := s.EachCtx(ctx, func(token string, value []byte) error { all[token] = value; return nil })
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Close closes the store behind the seal, if that has a Close method.
func (s *Store) Close() error {
	if able, ok := s.store.(interface{ Close() error }); ok {
		return able.Close()
	}
	return nil
}

// Ping returns an error if the ring is not available, or if the store behind the seal has a Ping that fails.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.ring.get(ctx)
	if able, ok := s.store.(interface{ Ping(context.Context) error }); ok {
		err = errors.Join(err, able.Ping(ctx))
	}
	return err
}
