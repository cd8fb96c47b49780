package session

import (
	"context"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Contextless has the methods of scs.Store, over a store that does its work in those with a context. Such a store
// embeds it.
type Contextless struct{ store scs.CtxStore }

// NewContextless makes a Contextless over the store that is about to embed it.
func NewContextless(store scs.CtxStore) Contextless { return Contextless{store} }

// Find is FindCtx without a context.
func (c Contextless) Find(token string) ([]byte, bool, error) {
	return c.store.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (c Contextless) Commit(token string, stored []byte, expiry time.Time) error {
	return c.store.CommitCtx(context.Background(), token, stored, expiry)
}

// Delete is DeleteCtx without a context.
func (c Contextless) Delete(token string) error {
	return c.store.DeleteCtx(context.Background(), token)
}
