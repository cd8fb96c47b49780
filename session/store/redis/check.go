package redis

import (
	"context"
	"fmt"
	"strings"
)

// Ping asks the server whether it would accept a session, and what it does with keys when memory is short.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	connection, err := s.connection(ctx)
	if err != nil {
		return fmt.Errorf("asking Redis: %w", err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := read(ctx, connection, "").entry(); err != nil {
		return err
	}
	// Not CONFIG GET, which hosted servers forbid.
	info, err := connection.Info(ctx, "memory").Result()
	if err != nil {
		return fmt.Errorf("asking Redis for its memory: %w", err)
	}
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok && policy != "noeviction" {
			return fmt.Errorf("%w (now %s)", ErrEvicts, policy)
		}
	}
	return nil
}
