package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
)

// writeTimeout bounds one write. It is generous: it only keeps a store that never answers from holding a lock for ever.
const writeTimeout = 5 * time.Second

// Claimer is what a store may offer so that Renew has one winner over several processes too.
type Claimer interface {
	// ClaimCtx deletes the token as DeleteCtx does, tombstone included, and tells whether it was alive until then. Of
	// several callers at the same time, one is told so.
	ClaimCtx(ctx context.Context, token string) (claimed bool, err error)
}

// backend is the store as scs and the managers see it. It is the one place where contexts are detached from the request
// and where the store's errors are told apart: ErrGone stays what it is, anything else is ErrStore.
type backend struct{ store scs.CtxStore }

func newBackend(store scs.Store) *backend {
	if able, ok := store.(scs.CtxStore); ok {
		return &backend{store: able}
	}
	return &backend{store: plainStore{store}}
}

// detach gives a write a life of its own: a browser that hangs up must not undo it.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
}

// failed wraps a store's error.
func failed(what string, err error) error {
	if err == nil || errors.Is(err, ErrGone) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrStore, what, err)
}

// FindCtx runs on the caller's context.
func (b *backend) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	stored, found, err := b.store.FindCtx(ctx, token)
	if err != nil {
		return nil, false, failed("find", err)
	}
	return stored, found, nil
}

// CommitCtx is detached from the caller's context.
func (b *backend) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	ctx, cancel := detach(ctx)
	defer cancel()
	return failed("commit", b.store.CommitCtx(ctx, token, stored, expiry))
}

// DeleteCtx is detached from the caller's context.
func (b *backend) DeleteCtx(ctx context.Context, token string) error {
	ctx, cancel := detach(ctx)
	defer cancel()
	return failed("delete", b.store.DeleteCtx(ctx, token))
}

// claim deletes the token and tells whether it was alive. Without the store's help that takes two steps, which are one
// only to those who hold the token's lock.
func (b *backend) claim(ctx context.Context, token string) (bool, error) {
	ctx, cancel := detach(ctx)
	defer cancel()
	if able, ok := b.store.(Claimer); ok {
		claimed, err := able.ClaimCtx(ctx, token)
		return claimed, failed("claim", err)
	}
	_, found, err := b.store.FindCtx(ctx, token)
	if err != nil {
		return false, failed("find", err)
	}
	return found, failed("delete", b.store.DeleteCtx(ctx, token))
}

// all lists the live sessions by the names they have in the store. scs's own Iterate is of no use for revoking: it stops
// at the first session that it cannot decode, and hashes names a second time when they are then destroyed.
func (b *backend) all(ctx context.Context) (map[string][]byte, error) {
	var store any = b.store
	if plain, ok := store.(plainStore); ok {
		store = plain.Store
	}
	switch able := store.(type) {
	case scs.IterableCtxStore:
		all, err := able.AllCtx(ctx)
		return all, failed("list", err)
	case scs.IterableStore:
		all, err := able.All()
		return all, failed("list", err)
	}
	return nil, fmt.Errorf("%w: %T cannot list its sessions", ErrStore, store)
}

// Find is FindCtx without a context.
func (b *backend) Find(token string) ([]byte, bool, error) {
	return b.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (b *backend) Commit(token string, stored []byte, expiry time.Time) error {
	return b.CommitCtx(context.Background(), token, stored, expiry)
}

// Delete is DeleteCtx without a context.
func (b *backend) Delete(token string) error { return b.DeleteCtx(context.Background(), token) }

// plainStore lends contexts to a store that takes none.
type plainStore struct{ scs.Store }

// FindCtx is Find.
func (p plainStore) FindCtx(_ context.Context, token string) ([]byte, bool, error) {
	return p.Find(token)
}

// CommitCtx is Commit.
func (p plainStore) CommitCtx(_ context.Context, token string, stored []byte, expiry time.Time) error {
	return p.Commit(token, stored, expiry)
}

// DeleteCtx is Delete.
func (p plainStore) DeleteCtx(_ context.Context, token string) error { return p.Delete(token) }
