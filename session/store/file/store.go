package file

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/session"
)

// longestToken is the length of the longest accepted token; those of scs have 43 characters.
const longestToken = 256

var entriesBucket = []byte("sessions 1")

// Options are the settings of a Store. The zero value means the defaults.
type Options struct {
	// Timeout bounds each call; default two seconds.
	Timeout time.Duration
	// Sweep is how often expired sessions are removed; default five minutes. They are dead before that: sweeping only
	// frees space.
	Sweep time.Duration
	// Max is the largest number of sessions and tombstones; default 1 000 000. Beyond it new sessions are refused with
	// session.ErrFull, and existing ones go on.
	Max int
	// Strangers is the largest number of anonymous sessions and their tombstones; default session.MaxStrangers. One
	// more ends the oldest of them.
	Strangers int
	// Logger gets a message when a damaged file is renamed; default none.
	Logger *slog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Store is a session.Store in a file. It is safe for concurrent use. Only one process can have the file open.
type Store struct {
	session.Contextless
	path    string
	options Options
	current atomic.Pointer[database]

	mutex  sync.Mutex
	latest *opening // nil before the first use
	closed bool
}

var _ session.Store = (*Store)(nil)

// New makes a store over the file at path. It does no I/O: the file is opened, or made with its directory, at first
// use.
func New(path string, options Options) *Store {
	if options.Timeout <= 0 {
		options.Timeout = 2 * time.Second
	}
	if options.Sweep <= 0 {
		options.Sweep = 5 * time.Minute
	}
	if options.Max <= 0 {
		options.Max = 1_000_000
	}
	if options.Strangers <= 0 {
		options.Strangers = session.MaxStrangers
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Store{path: path, options: options}
	s.Contextless = session.NewContextless(s)
	return s
}

// String names the file.
func (s *Store) String() string { return fmt.Sprintf("file(%s)", s.path) }

// bound gives a call a timeout of its own. The end of the caller's context does not stop it: it may already have had an
// effect.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
}

// Ping opens the file, and returns an error if that is not possible.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	_, err := s.open(ctx)
	return err
}

// view runs a read-only transaction. entries is nil if nothing was ever written to the file.
func (s *Store) view(ctx context.Context, read func(entries *bolt.Bucket) error) error {
	db := s.current.Load()
	if db == nil || db.handle.Lost() {
		ctx, cancel := s.bound(ctx)
		defer cancel()
		var err error
		if db, err = s.open(ctx); err != nil {
			return err
		}
	}
	return db.read(read)
}

// FindCtx implements scs.CtxStore.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	stored, _, found, err := s.FindVersionCtx(ctx, token)
	return stored, found, err
}

// FindVersionCtx implements session.Swapper.
func (s *Store) FindVersionCtx(ctx context.Context, token string) ([]byte, session.Version, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, session.Version{}, false, err
	}
	var found entry
	alive := false
	err := s.view(ctx, func(entries *bolt.Bucket) error {
		if entries == nil {
			return nil
		}
		if found, alive = parseEntry(entries.Get([]byte(token))); alive {
			alive = !found.dead && found.expiry > s.options.Now().UnixNano()
		}
		if alive {
			found.value = bytes.Clone(found.value) // bbolt reuses its memory
		}
		return nil
	})
	if err != nil || !alive {
		return nil, session.Version{}, false, err
	}
	return found.value, found.version, true, nil
}

// EachCtx implements session.Lister. It sees the sessions as of one moment.
func (s *Store) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	now := s.options.Now().UnixNano()
	// In one transaction: between two, a session could move from a later part to one that was already visited.
	// Meanwhile freed pages are not reused, which is acceptable for the second or so that this takes.
	return s.view(ctx, func(entries *bolt.Bucket) error {
		if entries == nil {
			return nil
		}
		return entries.ForEach(func(token, stored []byte) error {
			found, ok := parseEntry(stored)
			if !ok || found.dead || found.expiry <= now {
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			return visit(string(token), bytes.Clone(found.value))
		})
	})
}

// AllCtx implements scs.IterableCtxStore.
func (s *Store) AllCtx(ctx context.Context) (map[string][]byte, error) {
	all := make(map[string][]byte)
	err := s.EachCtx(ctx, func(token string, stored []byte) error { all[token] = stored; return nil })
	if err != nil {
		return nil, err
	}
	return all, nil
}
