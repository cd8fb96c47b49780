package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	driver "github.com/redis/go-redis/v9"
)

const (
	// listTimeout bounds one walk over all sessions.
	listTimeout = 30 * time.Second
	// listPage is how many keys Redis examines for one page of a walk.
	listPage = 1000
)

// pattern matches all keys of sessions.
const pattern = prefix + "*"

// walksKey counts the walks that were begun. It expires only because every key must; a restarted count does no harm.
const walksKey = "{sallyport}:walks"

// beginScript begins a walk and returns its number. KEYS: walksKey. ARGV: the count's life in milliseconds.
var beginScript = driver.NewScript(`#!lua flags=allow-oom
local number = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return number
`)

// EachCtx implements session.Lister. Redis walks over its keys and promises to visit each that exists during the whole
// walk. A session that moves during the walk leaves a tombstone that says where it went, and is looked up there.
func (s *Store) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	return s.each(ctx, func(token string, e entry) error { return visit(token, e.value) })
}

// each is EachCtx with whole entries.
func (s *Store) each(ctx context.Context, visit func(token string, e entry) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	defer cancel()
	connection, err := s.connection(ctx)
	if err != nil {
		return fmt.Errorf("listing the sessions in Redis: %w", err)
	}
	defer func() { _ = connection.Close() }()
	w := &walk{connection: connection, visit: visit, followed: make(map[string]struct{})}
	w.number, err = beginScript.Run(ctx, connection, []string{walksKey}, tombstoneMillis).Int64()
	if err != nil {
		return fmt.Errorf("listing the sessions in Redis: %w", err)
	}
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		var tokens []string
		tokens, cursor, err = connection.Scan(ctx, cursor, pattern, listPage).Result()
		if err != nil {
			return fmt.Errorf("listing the sessions in Redis: %w", err)
		}
		for i, key := range tokens {
			tokens[i] = key[len(prefix):]
		}
		if err := w.page(ctx, tokens); err != nil {
			return err
		}
	}
	// Keys that moved to another node of a cluster meanwhile were not seen. Then this read is an error, because the
	// keys are not here any more.
	_, err = read(ctx, connection, "").entry()
	return err
}

// connection returns a connection to the server that has the sessions. Two servers number their pages differently, so
// the walk ends if that server goes away.
func (s *Store) connection(ctx context.Context) (*driver.Conn, error) {
	switch client := s.client.(type) {
	case *driver.Client:
		return client.Conn(), nil
	case *driver.ClusterClient:
		node, err := client.MasterForKey(ctx, prefix)
		if err != nil {
			return nil, err
		}
		return node.Conn(), nil
	}
	return nil, errors.ErrUnsupported
}

// walk is one walk over all sessions.
type walk struct {
	connection *driver.Conn
	visit      func(token string, e entry) error
	number     int64               // sessions that moved since this walk began are followed
	followed   map[string]struct{} // tokens that sessions had moved to, which need not be followed again
}

// page visits the sessions of one page, and follows those that have moved since the walk began.
func (w *walk) page(ctx context.Context, tokens []string) error {
	for len(tokens) > 0 {
		readings := make([]reading, len(tokens))
		pipeline := w.connection.Pipeline()
		for i, token := range tokens {
			readings[i] = read(ctx, pipeline, token)
		}
		if _, err := pipeline.Exec(ctx); err != nil && !errors.Is(err, driver.Nil) {
			return fmt.Errorf("listing the sessions in Redis: %w", err)
		}
		var moved []string
		for i, token := range tokens {
			found, err := readings[i].entry()
			if err != nil {
				return err
			}
			if found.alive() {
				if err := w.visit(token, found); err != nil {
					return err
				}
			} else if next, during, ok := found.moved(); ok && during >= w.number {
				if _, again := w.followed[next]; !again {
					w.followed[next] = struct{}{}
					moved = append(moved, next)
				}
			}
		}
		tokens = moved
	}
	return nil
}
