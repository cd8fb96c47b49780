package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
)

const (
	// writeTimeout bounds one write. It is generous: it only keeps a store that never answers from holding a lock for
	// ever.
	writeTimeout = 5 * time.Second
	// listTimeout bounds one walk over all sessions.
	listTimeout = 30 * time.Second
)

// Claimer is what a store may offer so that a new token has one winner over several processes too.
type Claimer interface {
	// ClaimCtx deletes the token as DeleteCtx does, tombstone included, and reports whether it was alive until then. Of
	// several callers at the same time, one is told so.
	ClaimCtx(ctx context.Context, token string) (claimed bool, err error)
}

// backend is the store as scs and the managers see it. It is the one place where contexts are detached from the request
// and where the store's errors are told apart: ErrGone and ErrChanged stay what they are, anything else is ErrStore.
type backend struct {
	Contextless
	store   scs.CtxStore
	swapper Swapper // nil where the store knows no compare-and-set
	index   Index   // nil where the store has none
}

func newBackend(store scs.Store) *backend {
	swapper, _ := store.(Swapper)
	index, _ := store.(Index)
	able, ok := store.(scs.CtxStore)
	if !ok {
		able = plainStore{store}
	}
	b := &backend{store: able, swapper: swapper, index: index}
	b.Contextless = NewContextless(b)
	return b
}

// plan accompanies a session through scs, which has no compare-and-set: what was found when it was read, and what must
// hold when it is written.
type plan struct {
	// found is the version that was read, and that is expected when the session is written.
	found Version
	// from is the name that a renewed session moves away from; empty where it keeps its name.
	from string
	// entered says that the session has another state or identity than before.
	entered bool
}

type planKey struct{}

func withPlan(ctx context.Context, p *plan) context.Context {
	return context.WithValue(ctx, planKey{}, p)
}

// planOf returns nil where there is none.
func planOf(ctx context.Context) *plan {
	p, _ := ctx.Value(planKey{}).(*plan)
	return p
}

// detach separates a write from the request, because a browser that hangs up must not undo it.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
}

// failed wraps a store's error.
func failed(what string, err error) error {
	if err == nil || errors.Is(err, ErrGone) || errors.Is(err, ErrChanged) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrStore, what, err)
}

// FindCtx is find, and notes the version where a plan wants to know it.
func (b *backend) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	p := planOf(ctx)
	if p == nil || b.swapper == nil {
		return b.find(ctx, token)
	}
	stored, version, found, err := b.swapper.FindVersionCtx(ctx, token)
	if err != nil {
		return nil, false, failed("find", err)
	}
	p.found = version
	return stored, found, nil
}

// find runs on the caller's context.
func (b *backend) find(ctx context.Context, token string) ([]byte, bool, error) {
	return found(b.store.FindCtx(ctx, token))
}

// findNow is find, past what a Recent remembers.
func (b *backend) findNow(ctx context.Context, token string) ([]byte, bool, error) {
	able, ok := b.store.(interface {
		FindNowCtx(ctx context.Context, token string) (stored []byte, found bool, err error)
	})
	if !ok {
		return b.find(ctx, token)
	}
	return found(able.FindNowCtx(ctx, token))
}

// found passes on what a store has found. With an error nothing else is known (P6).
func found(stored []byte, ok bool, err error) ([]byte, bool, error) {
	if err != nil {
		return nil, false, failed("find", err)
	}
	return stored, ok, nil
}

// CommitCtx is detached from the caller's context, labels the session, and writes under the conditions of the plan
// where the store knows how.
func (b *backend) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	p := planOf(ctx)
	ctx, cancel := detach(WithLabel(ctx, labelFor(stored)))
	defer cancel()
	switch {
	case p == nil || b.swapper == nil:
		return failed("commit", b.store.CommitCtx(ctx, token, stored, expiry))
	case p.from != "":
		return failed("move", b.swapper.MoveCtx(ctx, p.from, p.found, token, stored, expiry))
	default:
		return failed("swap", b.swapper.SwapCtx(ctx, token, p.found, stored, expiry))
	}
}

// DeleteCtx is detached from the caller's context.
func (b *backend) DeleteCtx(ctx context.Context, token string) error {
	ctx, cancel := detach(ctx)
	defer cancel()
	return failed("delete", b.store.DeleteCtx(ctx, token))
}

// claim deletes the token and reports whether it was alive. If the store is no Claimer that takes two calls, which are
// atomic only for callers that hold the token's lock.
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

// owned visits the live sessions of an account, and perhaps others: all sessions if the store has no index.
func (b *backend) owned(ctx context.Context, owner Owner, visit func(token string, stored []byte) error) error {
	if b.index == nil {
		return b.each(ctx, visit)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	defer cancel()
	return failed("list", b.index.OwnedCtx(ctx, []Owner{owner}, visit))
}

// ownedNow is like owned but misses none that other nodes have stored a moment ago.
func (b *backend) ownedNow(ctx context.Context, owner Owner, visit func(token string, stored []byte) error) error {
	if b.index == nil {
		return b.each(ctx, visit)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	defer cancel()
	return failed("list", ownedNow(ctx, b.index, []Owner{owner}, visit))
}

// unlabelled visits the live sessions that owned may miss, because a version without labels stored them.
func (b *backend) unlabelled(ctx context.Context, visit func(token string, stored []byte) error) error {
	if b.index == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	defer cancel()
	return failed("list", b.index.UnlabelledCtx(ctx, visit))
}

// each visits the live sessions by their names in the store. scs's own Iterate cannot be used to revoke sessions: it
// stops at the first one that it cannot decode, and the names that it gives are hashed a second time when they are
// destroyed.
func (b *backend) each(ctx context.Context, visit func(token string, stored []byte) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	defer cancel()
	var store any = b.store
	if plain, ok := store.(plainStore); ok {
		store = plain.Store
	}
	var all map[string][]byte
	var err error
	switch able := store.(type) {
	case Lister:
		return failed("list", able.EachCtx(ctx, visit))
	case scs.IterableCtxStore:
		all, err = able.AllCtx(ctx)
	case scs.IterableStore:
		all, err = able.All()
	default:
		return fmt.Errorf("%w: %T cannot list its sessions", ErrStore, store)
	}
	if err != nil {
		return failed("list", err)
	}
	for token, stored := range all {
		if err := visit(token, stored); err != nil {
			return err
		}
	}
	return nil
}

// plainStore adapts a store that takes no contexts.
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
