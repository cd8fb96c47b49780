package postgres

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch is how many expired sessions are removed in one statement at most.
const sweepBatch = 1000

// sweepUntilQuit removes expired entries regularly.
func (s *Store) sweepUntilQuit() {
	ticker := time.NewTicker(s.options.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if s.ready.Load() { // a store that nobody uses makes no calls
				_ = s.trim(context.Background())
				_ = s.sweep(context.Background()) // the rest is dead anyway
			}
		case <-s.quit:
			return
		}
	}
}

// sweep removes expired entries, batch by batch.
func (s *Store) sweep(ctx context.Context) error { return s.inBatches(ctx, sweepSQL) }

// trim ends the oldest strangers' sessions, if there are more than may be.
func (s *Store) trim(ctx context.Context) error {
	return s.inBatches(ctx, trimSQL, s.options.Strangers)
}

// inBatches runs a statement that removes at most as many entries as its first parameter says, until it finds fewer.
func (s *Store) inBatches(ctx context.Context, statement string, arguments ...any) error {
	arguments = append([]any{sweepBatch}, arguments...)
	for removed := int64(sweepBatch); removed == sweepBatch; {
		err := s.call(ctx, s.options.Timeout, func(ctx context.Context) error {
			tag, err := s.pool.Exec(ctx, statement, arguments...)
			if err != nil {
				return fmt.Errorf("removing sessions from PostgreSQL: %w", err)
			}
			removed = tag.RowsAffected()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
