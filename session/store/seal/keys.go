package seal

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Keys is where a ring comes from. Its methods are called at the same time from many goroutines, with contexts that
// need not have an end: they bound their work in time by themselves. An error says that the ring cannot be had now; it
// must hold no secret.
type Keys interface {
	// Ring returns the ring as it was read some time ago, if it was. It is asked for with each request and must be
	// quick.
	Ring(ctx context.Context) (*Ring, error)
	// Refresh reads the ring now: a value names a key that Ring does not have. It is asked for seldom, and by one
	// caller at a time.
	Refresh(ctx context.Context) (*Ring, error)
}

// Fixed is Keys of one ring that never changes.
func Fixed(ring *Ring) Keys { return fixed{ring} }

type fixed struct{ ring *Ring }

func (f fixed) Ring(context.Context) (*Ring, error)    { return f.ring, nil }
func (f fixed) Refresh(context.Context) (*Ring, error) { return f.ring, nil }

// Cached keeps the ring that a function reads from a store of secrets. It is Keys. Once a ring was read, sessions go on
// without that store: reading it again is tried in the background, and a failure leaves what is there.
type Cached struct {
	load    func(context.Context) (*Ring, error)
	maxAge  time.Duration
	timeout time.Duration
	last    atomic.Pointer[reading]
	lock    chan struct{} // holds one element while somebody reads
}

type reading struct {
	ring *Ring
	at   time.Time // when it was begun, or tried again in vain
}

// NewCached makes Keys of a function that reads the ring, which is called with a context that ends after timeout
// (default two seconds). A ring older than maxAge (default one minute) is read anew: so old may be what a node seals
// with after the current key has changed. Nothing is read before the first use.
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
			// The next one does not try at once, whatever comes of this.
			c.last.Store(&reading{ring: last.ring, at: time.Now()})
			go func() {
				defer func() { <-c.lock }()
				_, _ = c.read(context.WithoutCancel(ctx)) // in vain, the ring that is there goes on
			}()
		default:
		}
	}
	return last.ring, nil
}

// first reads the ring unless somebody else has done so while we waited.
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
