package redis

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	driver "github.com/redis/go-redis/v9"

	"sallyport.example/sallyport/session"
)

// prefix begins all keys. The text in braces decides on which node of a cluster a key is: all are on one.
const prefix = "{sallyport}:session:"

// Options are the settings of a Store. The zero value means the defaults.
type Options struct {
	// Timeout bounds each call, from waiting for a connection to the answer; default two seconds. Only EachCtx has
	// more.
	Timeout time.Duration
	// Strangers is the largest number of anonymous sessions and their tombstones; default session.MaxStrangers. One
	// more ends the oldest of them. All gateways that share the server should have the same setting.
	Strangers int
	// Roots are the authorities that may have signed the server's certificate, with TLS; default the system's.
	Roots *x509.CertPool
	// Now is the clock for expiry times; default time.Now.
	Now func() time.Time
}

// Store is a session.Store in Redis. It is safe for concurrent use, also by several processes.
type Store struct {
	session.Contextless
	client  driver.UniversalClient
	name    string
	options Options
}

var _ session.Store = (*Store)(nil)

// New makes a store over the server at the address, whose forms the package comment describes. It does no I/O. Its
// errors show nothing of the address, because that may contain a password.
func New(address string, options Options) (*Store, error) {
	if options.Timeout <= 0 {
		options.Timeout = 2 * time.Second
	}
	if options.Strangers <= 0 {
		options.Strangers = session.MaxStrangers
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	client, name, err := newClient(address, options)
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, name: name, options: options}
	s.Contextless = session.NewContextless(s)
	return s, nil
}

// String names the server, without the password.
func (s *Store) String() string { return fmt.Sprintf("redis(%s)", s.name) }

// Close closes the connections. Later calls fail.
func (s *Store) Close() error { return s.client.Close() }

// bound gives a call a timeout of its own. The end of the caller's context does not stop it: it may already have had an
// effect.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
}

// FindCtx implements scs.CtxStore.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	stored, _, found, err := s.FindVersionCtx(ctx, token)
	return stored, found, err
}

// FindVersionCtx implements session.Swapper.
func (s *Store) FindVersionCtx(ctx context.Context, token string) ([]byte, session.Version, bool, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	found, err := read(ctx, s.client, token).entry()
	if err != nil || !found.alive() {
		return nil, session.Version{}, false, err
	}
	return found.value, found.version, true, nil
}

// sender is what can send commands: a client, one of its connections, or a pipeline.
type sender interface {
	Do(ctx context.Context, args ...any) *driver.Cmd
}

// reading is the present or future answer to a read.
type reading struct{ *driver.Cmd }

// read uses GETEX, which changes nothing here but counts as a write. A replica would answer GET with sessions that have
// been ended meanwhile on the server that replaced it.
func read(ctx context.Context, to sender, token string) reading {
	return reading{to.Do(ctx, "GETEX", prefix+token)}
}

// entry returns what was read; its kind is 0 if there is nothing.
func (r reading) entry() (entry, error) {
	stored, err := r.Text()
	if errors.Is(err, driver.Nil) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, fmt.Errorf("reading a session from Redis: %w", err)
	}
	return parseEntry(stored), nil
}
