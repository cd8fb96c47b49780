package seal

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"

	"sallyport.example/sallyport/session"
)

// owner returns the name of an account for the store behind the seal. A mere hash would let a reader of that store try
// the names of accounts.
func (r *Ring) owner(id KeyID, of session.Owner) (sealed session.Owner) {
	if of == (session.Owner{}) {
		return sealed
	}
	mac := hmac.New(sha256.New, r.index[id])
	mac.Write(of[:])
	copy(sealed[:], mac.Sum(nil))
	return sealed
}

// numbers returns the numbers of the ring's keys, the current one first, then from the newest to the oldest.
func (r *Ring) numbers() []KeyID {
	numbers := slices.SortedFunc(maps.Keys(r.ciphers), func(a, b KeyID) int { return cmp.Compare(b, a) })
	at := slices.Index(numbers, r.current)
	return slices.Insert(slices.Delete(numbers, at, at+1), 0, r.current)
}

// label returns the context with the label for the store behind the seal.
func (r *Ring) label(ctx context.Context) context.Context {
	label := session.LabelOf(ctx)
	label.Owner = r.owner(r.current, label.Owner)
	return session.WithLabel(ctx, label)
}

// OwnedCtx implements session.Index. An account has another name in the store under each key, and is searched under
// those of all keys in the ring as it was read last. A session that another node sealed with a newer key, within the
// minute, is not found.
func (s *Store) OwnedCtx(ctx context.Context, owners []session.Owner, visit func(token string, value []byte) error) error {
	ring, err := s.ring.get(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	return s.owned(ctx, ring, owners, visit)
}

// OwnedNowCtx is OwnedCtx that misses none. If the ring turns out to be out of date, it searches again: sessions that
// were stored before the search were stored with keys that had been published by then.
func (s *Store) OwnedNowCtx(ctx context.Context, owners []session.Owner, visit func(token string, value []byte) error) error {
	ring, err := s.ring.get(context.WithoutCancel(ctx))
	for err == nil {
		if err = s.owned(ctx, ring, owners, visit); err != nil {
			break
		}
		before := ring.numbers()
		if ring, err = s.ring.refreshed(ctx); err == nil && slices.Equal(ring.numbers(), before) {
			return nil
		}
	}
	return err
}

func (s *Store) owned(
	ctx context.Context, ring *Ring, owners []session.Owner, visit func(token string, value []byte) error,
) error {
	var names []session.Owner
	for _, id := range ring.numbers() {
		for _, owner := range owners {
			names = append(names, ring.owner(id, owner))
		}
	}
	return s.store.OwnedCtx(ctx, names, s.opening(ctx, visit))
}

// UnlabelledCtx implements session.Index.
func (s *Store) UnlabelledCtx(ctx context.Context, visit func(token string, value []byte) error) error {
	return s.store.UnlabelledCtx(ctx, s.opening(ctx, visit))
}

// opening is visit for sealed values. It skips values that are not sessions.
func (s *Store) opening(ctx context.Context, visit func(token string, value []byte) error) func(token string, sealed []byte) error {
	return func(token string, sealed []byte) error {
		value, ok, err := s.open(ctx, token, sealed)
		if err != nil || !ok {
			return err
		}
		return visit(token, value)
	}
}

// PurposeKeys implements session.Keyring.
func (s *Store) PurposeKeys(ctx context.Context, purpose string) ([][]byte, error) {
	ring, err := s.ring.get(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([][]byte, 0, len(ring.purposes))
	for _, id := range ring.numbers() {
		key, err := hkdf.Expand(sha256.New, ring.purposes[id], purpose, session.KeySize)
		if err != nil {
			return nil, errors.Join(ErrRing, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

var _ session.Keyring = (*Store)(nil)
