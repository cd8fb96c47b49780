package upstream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
)

// learning makes sure that the stored names are read once, before the first request goes on.
type learning struct {
	read  atomic.Bool
	mutex sync.Mutex
}

// LearnNames reads the names of cookies that logins put into custody before this process began. Without them, a browser
// could send a cookie of such a name that did not come from the app.
func (x *Exchange) LearnNames() error {
	l := &x.site.learning
	if x.Config.Names == nil || l.read.Load() {
		return nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.read.Load() {
		return nil
	}
	names, err := x.Config.Names.Load(context.WithoutCancel(x.R.Context()))
	if err != nil {
		return exchange.Looking(fmt.Errorf("%w: %w", exchange.ErrNames, err))
	}
	x.StoreWorks(underway.StoreNames, false)
	x.site.Cookies.Learned.Add(names...)
	l.read.Store(true)
	return nil
}

// Learn makes the gateway hold cookies of these names in every browser from now on, because a login put such cookies
// into custody.
func (x *Exchange) Learn(names []string) {
	added := x.site.Cookies.Learned.Add(names...)
	if len(added) == 0 {
		return
	}
	x.Log.InfoContext(x.R.Context(), "a login put cookies into custody; they are held on the whole site from now on",
		"app", x.Config.App, "cookies", added)
	if x.Config.Names == nil {
		return
	}
	if err := x.Config.Names.Add(context.WithoutCancel(x.R.Context()), added); err != nil {
		x.StoreFails(fmt.Errorf("%w: %w", exchange.ErrNames, err))
		x.Log.ErrorContext(x.R.Context(), "the names of held cookies could not be kept; after a restart they are learned anew",
			"setting", "storage", "app", x.Config.App, "error", err)
	}
}
