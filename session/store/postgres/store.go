package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sallyport.example/sallyport/session"
)

// listTimeout bounds one walk over all sessions.
const listTimeout = 30 * time.Second

// Options are the settings of a Store. The zero value means the defaults.
type Options struct {
	// Timeout bounds each call, from waiting for a connection to the answer; default two seconds. Only EachCtx has
	// more.
	Timeout time.Duration
	// Sweep is how often expired sessions are removed; default five minutes. They are dead before that: sweeping only
	// frees space.
	Sweep time.Duration
	// Strangers is the largest number of anonymous sessions and their tombstones; default session.MaxStrangers. Each
	// gateway enforces it after every hundredth of that number; then the oldest end. All gateways that share the server
	// should have the same setting.
	Strangers int
	// Now is the clock for expiry times; default time.Now.
	Now func() time.Time
}

// Store is a session.Store in PostgreSQL. It is safe for concurrent use, also by several processes.
type Store struct {
	session.Contextless
	pool    *pgxpool.Pool
	name    string
	options Options

	ready     atomic.Bool   // the table exists and is up to date
	preparing chan struct{} // has one value in it while somebody prepares the table

	strangers atomic.Int64  // how many were stored since the last trim
	trimming  chan struct{} // has one value in it while somebody trims

	close   sync.Once
	quit    chan struct{}
	running sync.WaitGroup
}

var _ session.Store = (*Store)(nil)

// New makes a store over the server at the address, whose forms the package comment describes. It does no network I/O.
// Its errors show nothing of the address, because that may contain a password.
func New(address string, options Options) (*Store, error) {
	if options.Timeout <= 0 {
		options.Timeout = 2 * time.Second
	}
	if options.Sweep <= 0 {
		options.Sweep = 5 * time.Minute
	}
	if options.Strangers <= 0 {
		options.Strangers = session.MaxStrangers
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	config, err := pgxpool.ParseConfig(address)
	if address == "" || err != nil {
		return nil, ErrAddress // pgx does not find every password that it should mask
	}
	config.PingTimeout = options.Timeout
	connection := config.ConnConfig
	connection.ConnectTimeout = options.Timeout
	if connection.ValidateConnect == nil {
		// A standby may not know yet that a session was ended.
		connection.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if connection.RuntimeParams["application_name"] == "" {
		connection.RuntimeParams["application_name"] = "sallyport"
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, ErrAddress
	}
	s := &Store{
		pool: pool, options: options, preparing: make(chan struct{}, 1), trimming: make(chan struct{}, 1), quit: make(chan struct{}),
		name: fmt.Sprintf("%s/%s", net.JoinHostPort(connection.Host, strconv.Itoa(int(connection.Port))), connection.Database),
	}
	s.Contextless = session.NewContextless(s)
	s.running.Go(s.sweepUntilQuit)
	return s, nil
}

// String names the server, without the password.
func (s *Store) String() string { return fmt.Sprintf("postgres(%s)", s.name) }

// Close waits for calls that are under way and closes the connections. Later calls fail. Calling it again does nothing.
func (s *Store) Close() error {
	s.close.Do(func() { close(s.quit) })
	s.running.Wait()
	s.pool.Close()
	return nil
}

// Ping makes the table if it does not exist, and returns an error if the server would not accept a session.
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, s.options.Timeout, func(ctx context.Context) error { return s.pool.Ping(ctx) })
}

// call runs work once the table is ready, with a timeout of its own. The end of the caller's context does not stop it:
// it may already have had an effect.
func (s *Store) call(ctx context.Context, timeout time.Duration, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	err := work(ctx)
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) && refusal.Code == undefinedTable {
		s.ready.Store(false)
	}
	return err
}

// undefinedTable is PostgreSQL's code for a table that does not exist.
const undefinedTable = "42P01"

// prepare prepares the table at the first call, and again after the table was dropped.
func (s *Store) prepare(ctx context.Context) error {
	if s.ready.Load() {
		return nil
	}
	select {
	case s.preparing <- struct{}{}:
		defer func() { <-s.preparing }()
	case <-ctx.Done():
		return fmt.Errorf("waiting for PostgreSQL: %w", ctx.Err())
	}
	if s.ready.Load() {
		return nil
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	s.ready.Store(true)
	return nil
}

// FindCtx implements scs.CtxStore.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	stored, _, found, err := s.FindVersionCtx(ctx, token)
	return stored, found, err
}

// FindVersionCtx implements session.Swapper.
func (s *Store) FindVersionCtx(ctx context.Context, token string) (stored []byte, version session.Version, found bool, err error) {
	err = s.call(ctx, s.options.Timeout, func(ctx context.Context) error {
		var number []byte
		err := s.pool.QueryRow(ctx, findSQL, []byte(token)).Scan(&number, &stored)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a session from PostgreSQL: %w", err)
		}
		found = copy(version[:], number) == len(version)
		return nil
	})
	if err != nil || !found {
		return nil, session.Version{}, false, err
	}
	return stored, version, true, nil
}

// EachCtx implements session.Lister. One statement sees the sessions as of one moment.
func (s *Store) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	return s.list(ctx, visit, listSQL)
}

// list visits the rows that a statement selects: tokens and values.
func (s *Store) list(ctx context.Context, visit func(token string, stored []byte) error, statement string, arguments ...any) error {
	return s.call(ctx, listTimeout, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, statement, arguments...)
		if err != nil {
			return fmt.Errorf("listing the sessions in PostgreSQL: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var token, stored []byte
			if err := rows.Scan(&token, &stored); err != nil {
				return fmt.Errorf("listing the sessions in PostgreSQL: %w", err)
			}
			if err := visit(string(token), stored); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("listing the sessions in PostgreSQL: %w", err)
		}
		return nil
	})
}
