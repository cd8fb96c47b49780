package seal

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Keys is the source of a ring. Its methods are called concurrently from many goroutines, with contexts that may have
// no end: they limit their time themselves. An error says that the ring is not available now; it must contain no
// secret.
type Keys interface {
	// Ring returns the ring as it was read some time ago, if it was. It is called for each request and must be quick.
	Ring(ctx context.Context) (*Ring, error)
	// Refresh reads the ring now, because a value names a key that Ring does not have. It is called seldom, and by one
	// caller at a time.
	Refresh(ctx context.Context) (*Ring, error)
}

// Fixed is Keys of one ring that never changes.
func Fixed(ring *Ring) Keys { return fixed{ring} }

type fixed struct{ ring *Ring }

func (f fixed) Ring(context.Context) (*Ring, error)    { return f.ring, nil }
func (f fixed) Refresh(context.Context) (*Ring, error) { return f.ring, nil }

// Cached keeps the ring that a function reads from a store of secrets. It implements Keys. Once a ring was read,
// sessions go on without that store: it is read again in the background, and a failure keeps the existing ring.
type Cached struct {
	load    func(context.Context) (*Ring, error)
	maxAge  time.Duration
	timeout time.Duration
	last    atomic.Pointer[reading]
	lock    chan struct{} // has one element while somebody reads
}

type reading struct {
	ring *Ring
	at   time.Time // when it was begun, or when another attempt failed
}

// NewCached makes Keys from a function that reads the ring. The function's context ends after timeout (default two
// seconds). A ring older than maxAge (default one minute) is read again: for that long a node may still seal with the
// former key after the current one has changed. Nothing is read before the first use.
func NewCached(load func(context.Context) (*Ring, error), maxAge, timeout time.Duration) *Cached {
	if maxAge <= 0 {
		maxAge = time.Minute
	}
	if timeout <= 0 {
		timeout = 2 * time.Second
	}
	return &Cached{load: load, maxAge: maxAge, timeout: timeout, lock: make(chan struct{}, 1)}
}

// Ring implements Keys.
func (c *Cached) Ring(ctx context.Context) (*Ring, error) {
	last := c.last.Load()
	if last == nil {
		return c.first(ctx)
	}
	if time.Since(last.at) >= c.maxAge {
		select {
		case c.lock <- struct{}{}:
			// The next call does not try at once, whatever the result of this one.
			c.last.Store(&reading{ring: last.ring, at: time.Now()})
			go func() {
				defer func() { <-c.lock }()
				_, _ = c.read(context.WithoutCancel(ctx)) // if it fails, the existing ring goes on
			}()
		default:
		}
	}
	return last.ring, nil
}

// first reads the ring unless another caller has done so during the wait.
func (c *Cached) first(ctx context.Context) (*Ring, error) {
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-c.lock }()
	if last := c.last.Load(); last != nil {
		return last.ring, nil
	}
	return c.read(ctx)
}

// Refresh implements Keys.
func (c *Cached) Refresh(ctx context.Context) (*Ring, error) {
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-c.lock }()
	return c.read(ctx)
}

func (c *Cached) acquire(ctx context.Context) error {
	select {
	case c.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the ring of keys: %w", ctx.Err())
	}
}

var errNoRing = errors.New("there is no ring of keys")

// read calls load; the caller holds the lock.
func (c *Cached) read(ctx context.Context) (*Ring, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	began := time.Now()
	ring, err := c.load(ctx)
	if err == nil && ring == nil {
		err = errNoRing
	}
	if err != nil {
		return nil, err
	}
	c.last.Store(&reading{ring: ring, at: began})
	return ring, nil
}
