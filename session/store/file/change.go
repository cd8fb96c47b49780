package file

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/session"
)

// malformed reports whether a text cannot be a token. Such a text must not reach bbolt, whose error for it would abort
// the whole transaction.
func malformed(token string) bool { return token == "" || len(token) > longestToken }

// CommitCtx implements scs.CtxStore.
func (s *Store) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	fresh := newEntry(ctx, stored, expiry)
	return s.change(ctx, token, func(c *change) error {
		found, ok := c.get(token)
		if ok && found.dead {
			return session.ErrGone
		}
		return c.create(token, fresh, ok)
	})
}

// DeleteCtx implements scs.CtxStore.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.ClaimCtx(ctx, token)
	return err
}

// ClaimCtx implements session.Claimer.
func (s *Store) ClaimCtx(ctx context.Context, token string) (bool, error) {
	if malformed(token) {
		return false, nil
	}
	claimed := false
	err := s.change(ctx, token, func(c *change) error {
		found, ok := c.get(token)
		claimed = ok && !found.dead
		if !claimed {
			return nil // there already is a tombstone, or none is needed: anybody can make up tokens
		}
		return c.bury(token, found)
	})
	if err != nil {
		return false, err
	}
	return claimed, nil
}

// SwapCtx implements session.Swapper.
func (s *Store) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	fresh := newEntry(ctx, stored, expiry)
	return s.change(ctx, token, func(c *change) error {
		if expected == (session.Version{}) {
			if _, ok := c.get(token); ok {
				return session.ErrGone
			}
			return c.create(token, fresh, false)
		}
		if _, err := c.expect(token, expected); err != nil {
			return err
		}
		return c.create(token, fresh, true)
	})
}

// MoveCtx implements session.Swapper, in one transaction.
func (s *Store) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, stored []byte, expiry time.Time,
) error {
	if malformed(newToken) {
		return errToken
	}
	fresh := newEntry(ctx, stored, expiry)
	return s.change(ctx, token, func(c *change) error {
		found, err := c.expect(token, expected)
		if err != nil {
			return err
		}
		if _, ok := c.get(newToken); ok {
			return session.ErrGone
		}
		if err := c.create(newToken, fresh, false); err != nil {
			return err
		}
		return c.bury(token, found)
	})
}

// change gives one change to the writer and waits until it is on the disk.
func (s *Store) change(ctx context.Context, token string, apply func(*change) error) error {
	if malformed(token) {
		return errToken
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	db, err := s.open(ctx)
	if err != nil {
		return err
	}
	return db.write(ctx, apply)
}

// change is one change, with access to the entries in a transaction that it may share with others.
type change struct {
	entries, owners, strangers *bolt.Bucket

	now         int64
	room, added int // room for how many more entries, and how many were added
	// The same for strangers' entries, and how many sessions without a label were added.
	strangersRoom, strangersAdded, unlabelled int
	wrote                                     bool
}

// get finds a valid entry: a live session, or a tombstone that has not ended.
func (c *change) get(token string) (entry, bool) {
	found, ok := parseEntry(c.entries.Get([]byte(token)))
	return found, ok && found.expiry > c.now
}

// expect is get for a session that must be alive and have the version.
func (c *change) expect(token string, expected session.Version) (entry, error) {
	switch found, ok := c.get(token); {
	case !ok || found.dead:
		return entry{}, session.ErrGone
	case found.version != expected:
		return entry{}, session.ErrChanged
	default:
		return found, nil
	}
}

// create stores an entry; known says that it replaces a valid one.
func (c *change) create(token string, fresh entry, known bool) error {
	if fresh.expiry <= c.now {
		return session.ErrGone
	}
	old, _ := parseEntry(c.entries.Get([]byte(token)))
	if fresh.stranger && !old.stranger {
		if err := c.keepShare(); err != nil {
			return err
		}
	}
	if !known && c.entries.Get([]byte(token)) == nil && c.added >= c.room {
		if ended, err := c.endOldestStranger(); err != nil {
			return err
		} else if !ended {
			return session.ErrFull
		}
	}
	return c.put(token, fresh)
}

// bury replaces an entry by a tombstone.
func (c *change) bury(token string, found entry) error {
	tombstone := entry{dead: true, stranger: found.stranger, expiry: max(found.expiry, c.now+int64(session.TombstoneLife))}
	return c.put(token, tombstone)
}
