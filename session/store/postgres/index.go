package postgres

import (
	"context"

	"sallyport.example/sallyport/session"
)

// labelled adds the context's label to the parameters of a statement that stores a session.
func labelled(ctx context.Context, arguments ...any) []any {
	label := session.LabelOf(ctx)
	var owner []byte // NULL
	if label.Owner != (session.Owner{}) {
		owner = label.Owner[:]
	}
	return append(arguments, owner, label.Stranger)
}

// noteStranger counts strangers' sessions that were stored, and regularly removes those above the limit. Counting all
// of them at each call would cost more than the session itself.
func (s *Store) noteStranger(ctx context.Context, err error) {
	every := max(1, int64(s.options.Strangers)/100)
	if err != nil || !session.LabelOf(ctx).Stranger || s.strangers.Add(1) < every {
		return
	}
	select {
	case s.trimming <- struct{}{}:
		defer func() { <-s.trimming }()
		s.strangers.Store(0)
		_ = s.trim(ctx) // if it fails, the next call tries again
	default:
	}
}

// OwnedCtx implements session.Index. One statement sees the sessions as of one moment.
func (s *Store) OwnedCtx(ctx context.Context, owners []session.Owner, visit func(token string, stored []byte) error) error {
	names := make([][]byte, len(owners))
	for i := range owners {
		names[i] = owners[i][:]
	}
	return s.list(ctx, visit, ownedSQL, names)
}

// UnlabelledCtx implements session.Index.
func (s *Store) UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	return s.list(ctx, visit, unlabelledSQL)
}
