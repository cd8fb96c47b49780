package postgres

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch is how many expired sessions are removed in one statement at most.
const sweepBatch = 1000

// sweepUntilQuit removes what has expired now and then.
func (s *Store) sweepUntilQuit() {
	ticker := time.NewTicker(s.options.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if s.ready.Load() { // a store that nobody uses asks nobody
				_ = s.trim(context.Background())
				_ = s.sweep(context.Background()) // what is left is dead all the same
			}
		case <-s.quit:
			return
		}
	}
}

// sweep removes what has expired, batch by batch.
func (s *Store) sweep(ctx context.Context) error { return s.inBatches(ctx, sweepSQL) }

// trim ends the strangers' sessions that began first, where there are more than may be.
func (s *Store) trim(ctx context.Context) error {
	return s.inBatches(ctx, trimSQL, s.options.Strangers)
}

// inBatches runs a statement that removes as many entries at most as its first parameter says, until it finds fewer.
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
