package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// errNames is returned where the names of held cookies could not be read.
var errNames = errors.New("the names of held cookies could not be read")

// NameStore keeps names of cookies for a site, over restarts. It is safe for concurrent use, and several processes may
// share one.
type NameStore interface {
	// Load returns all names that were added.
	Load(ctx context.Context) ([]string, error)
	// Add keeps more of them.
	Add(ctx context.Context, names []string) error
}

// learning sees that the names that were kept are read once, before the first request goes on.
type learning struct {
	read  atomic.Bool
	mutex sync.Mutex
}

// learnNames reads the names of cookies that logins put into custody before this process began. Without them, a cookie
// of such a name could come from a browser that never saw the app's own.
func (x *exchange) learnNames() error {
	l := &x.Gateway.learning
	if x.config.Names == nil || l.read.Load() {
		return nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.read.Load() {
		return nil
	}
	names, err := x.config.Names.Load(context.WithoutCancel(x.r.Context()))
	if err != nil {
		return looking(fmt.Errorf("%w: %w", errNames, err))
	}
	x.storeWorks(storeNames, false)
	x.cookies.Learned.Add(names...)
	l.read.Store(true)
	return nil
}

// learn has names be held from now on, in each browser, since a login put cookies of these names into custody.
func (x *exchange) learn(names []string) {
	added := x.cookies.Learned.Add(names...)
	if len(added) == 0 {
		return
	}
	x.log.InfoContext(x.r.Context(), "a login put cookies into custody; they are held on the whole site from now on",
		"app", x.config.App, "cookies", added)
	if x.config.Names == nil {
		return
	}
	if err := x.config.Names.Add(context.WithoutCancel(x.r.Context()), added); err != nil {
		x.storeFails(fmt.Errorf("%w: %w", errNames, err))
		x.log.ErrorContext(x.r.Context(), "the names of held cookies could not be kept; after a restart they are learned anew",
			"setting", "storage", "app", x.config.App, "error", err)
	}
}
