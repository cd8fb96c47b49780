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
	// listPage is how many keys Redis looks at for one page of a walk.
	listPage = 1000
	// listMargin is how long before the start of a walk a session may have moved and is looked after all the same.
	listMargin = 10 * time.Second
)

// pattern matches all keys of sessions.
const pattern = prefix + "*"

// timeScript tells the server's time in seconds, of the server that has the keys, and if it is a master.
var timeScript = driver.NewScript(`#!lua
return tonumber(redis.call('TIME')[1])
`)

// EachCtx implements session.Lister. Redis goes over its keys and promises to come by each that is there all the while. A
// session that moves leaves a tombstone behind that tells where it went, and there it is looked for.
func (s *Store) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	defer cancel()
	connection, err := s.connection(ctx)
	if err != nil {
		return fmt.Errorf("listing the sessions in Redis: %w", err)
	}
	defer func() { _ = connection.Close() }()
	w := &walk{connection: connection, visit: visit, followed: make(map[string]struct{})}
	began, err := w.time(ctx)
	if err != nil {
		return err
	}
	w.since = began.Add(-listMargin)
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		var keys []string
		keys, cursor, err = connection.Scan(ctx, cursor, pattern, listPage).Result()
		if err != nil {
			return fmt.Errorf("listing the sessions in Redis: %w", err)
		}
		if err := w.page(ctx, keys); err != nil {
			return err
		}
	}
	// What went to another node of a cluster meanwhile was not seen; the server refuses this then.
	_, err = w.time(ctx)
	return err
}

// connection is one to the server that has the sessions. Two servers number their pages differently: where that one goes, the walk ends.
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
	visit      func(token string, stored []byte) error
	since      time.Time           // sessions that moved since then are followed
	followed   map[string]struct{} // tokens that sessions had moved to, which need not be followed again
}

func (w *walk) time(ctx context.Context) (time.Time, error) {
	seconds, err := timeScript.Run(ctx, w.connection, []string{prefix}).Int64()
	if err != nil {
		return time.Time{}, fmt.Errorf("listing the sessions in Redis: %w", err)
	}
	return time.Unix(seconds, 0), nil
}

// page visits the sessions of one page.
func (w *walk) page(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	readings := make([]reading, len(keys))
	pipeline := w.connection.Pipeline()
	for i, key := range keys {
		readings[i] = read(ctx, pipeline, key[len(prefix):])
	}
	if _, err := pipeline.Exec(ctx); err != nil && !errors.Is(err, driver.Nil) {
		return fmt.Errorf("listing the sessions in Redis: %w", err)
	}
	for i, key := range keys {
		found, err := readings[i].entry()
		if err != nil {
			return err
		}
		if err := w.one(ctx, key[len(prefix):], found); err != nil {
			return err
		}
	}
	return nil
}

// one visits a session, and goes after it where it has moved since the walk began.
func (w *walk) one(ctx context.Context, token string, found entry) error {
	for {
		if found.kind == kindLive {
			return w.visit(token, found.value)
		}
		next, at, moved := found.moved()
		if !moved || at.Before(w.since) {
			return nil
		}
		if _, again := w.followed[next]; again {
			return nil
		}
		w.followed[next] = struct{}{}
		var err error
		if found, err = read(ctx, w.connection, next).entry(); err != nil {
			return err
		}
		token = next
	}
}
