package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sallyport.example/sallyport/session"
)

// CommitCtx implements scs.CtxStore.
func (s *Store) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	return s.store(ctx, commitSQL, token, stored, expiry)
}

// store runs a statement that stores a session. If it stores nothing, the session is gone.
func (s *Store) store(ctx context.Context, statement, token string, stored []byte, expiry time.Time) error {
	life, err := session.Life(expiry, s.options.Now())
	if err != nil {
		return err
	}
	version := session.NewVersion()
	changed, err := s.exec(ctx, statement, labelled(ctx, []byte(token), version[:], stored, life.Seconds())...)
	if err == nil && !changed {
		return session.ErrGone
	}
	s.noteStranger(ctx, err)
	return err
}

// exec reports whether a statement changed anything.
func (s *Store) exec(ctx context.Context, statement string, arguments ...any) (changed bool, err error) {
	err = s.call(ctx, s.options.Timeout, func(ctx context.Context) error {
		tag, err := s.pool.Exec(ctx, statement, arguments...)
		if err != nil {
			return fmt.Errorf("changing a session in PostgreSQL: %w", err)
		}
		changed = tag.RowsAffected() > 0
		return nil
	})
	return changed, err
}

// DeleteCtx implements scs.CtxStore.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.ClaimCtx(ctx, token)
	return err
}

// ClaimCtx implements session.Claimer. An unknown token gets no tombstone: anybody can make up tokens.
func (s *Store) ClaimCtx(ctx context.Context, token string) (bool, error) {
	version := session.NewVersion()
	return s.exec(ctx, claimSQL, []byte(token), version[:], session.TombstoneLife.Seconds())
}

// SwapCtx implements session.Swapper.
func (s *Store) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	if expected == (session.Version{}) {
		return s.store(ctx, createSQL, token, stored, expiry)
	}
	life, err := session.Life(expiry, s.options.Now())
	if err != nil {
		return err
	}
	version := session.NewVersion()
	return s.conditionally(ctx, token, expected, func(batch *pgx.Batch) *pgx.QueuedQuery {
		return batch.Queue(swapSQL, append(labelled(ctx, []byte(token), version[:], stored, life.Seconds()), expected[:])...)
	})
}

// MoveCtx implements session.Swapper.
func (s *Store) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, stored []byte, expiry time.Time,
) error {
	life, err := session.Life(expiry, s.options.Now())
	if err != nil {
		return err
	}
	version := session.NewVersion()
	err = s.conditionally(ctx, token, expected, func(batch *pgx.Batch) *pgx.QueuedQuery {
		batch.Queue(moveToSQL, append(labelled(ctx, []byte(newToken), version[:], stored, life.Seconds()), []byte(token), expected[:])...)
		return batch.Queue(moveFromSQL, []byte(token), version[:], session.TombstoneLife.Seconds(), expected[:], []byte(newToken))
	})
	s.noteStranger(ctx, err)
	return err
}

// conditionally makes a change of a session that must be alive and have the version. All is one transaction and one
// round trip: change adds its statements, which have that condition too, and returns the one that reports whether the
// change was made.
func (s *Store) conditionally(
	ctx context.Context, token string, expected session.Version, change func(*pgx.Batch) *pgx.QueuedQuery,
) error {
	return s.call(ctx, s.options.Timeout, func(ctx context.Context) error {
		answer := session.ErrGone
		matched := false
		batch := new(pgx.Batch)
		batch.Queue(lockSQL, []byte(token)).QueryRow(func(row pgx.Row) error {
			var version []byte
			var living bool
			err := row.Scan(&version, &living)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if matched = living && string(version) == string(expected[:]); living && !matched {
				answer = session.ErrChanged
			}
			return err
		})
		change(batch).Exec(func(tag pgconn.CommandTag) error {
			if matched && tag.RowsAffected() > 0 {
				answer = nil
			}
			return nil
		})
		if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("changing a session in PostgreSQL: %w", err)
		}
		return answer
	})
}
