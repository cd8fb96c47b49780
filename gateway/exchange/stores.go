package exchange

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// StoreFailed answers a request if a store could not be asked or did not answer (P6).
func (x *Exchange) StoreFailed(doing string, err error) error {
	if gone := x.R.Context().Err(); gone != nil && errors.Is(err, gone) {
		return x.Left()
	}
	if errors.Is(err, session.ErrGone) {
		// The session ended while the request was under way.
		return x.AskLogin()
	}
	x.Log.ErrorContext(x.R.Context(), "store failed; the request was refused",
		"setting", x.StoreFails(err), "doing", doing, "app", x.Config.App, "error", err)
	x.W.Header().Set("Retry-After", "5")
	return x.Fail(http.StatusServiceUnavailable, pages.ErrorUnavailable)
}

// said is what the secrets store said of a user in this request.
type said struct {
	identity string
	status   factor.Status
	err      error
}

// Known is what the secrets store has said of the session's user in this request, or says now, if it was not asked
// before. It is for a session.
func Known(x *Exchange) (factor.Status, error) {
	if x.said != nil && x.said.identity == x.data.Identity {
		return x.said.status, x.said.err
	}
	return x.Enrolled(x.data.Identity)
}

// Enrolled asks the secrets store whether a user has a second factor. An error never means no (P6).
func (x *Exchange) Enrolled(identity string) (factor.Status, error) {
	status, err := x.Config.Factors.Status(factor.WithOrigin(x.R.Context(), factor.Origin{Addresses: addresses(x)}), identity)
	if err != nil {
		err = Looking(err)
	}
	if x.said = (&said{identity, status, err}); err != nil {
		return status, err
	}
	x.StoreWorks(underway.StoreSecrets, false)
	return status, nil
}

// ErrNames is returned if the names of held cookies could not be read.
var ErrNames = errors.New("the names of held cookies could not be read")

// lookError is an error of a store that was only read.
type lookError struct{ error }

// Unwrap is for errors.Is and errors.As.
func (e lookError) Unwrap() error { return e.error }

// Looking marks an error as one of reading a store.
func Looking(err error) error { return lookError{err} }

// StoreFails notes the error of a store, emits an event if it is the first, and returns the name of the store. A record
// that cannot be used and a session that is too large are not failures of a store.
func (x *Exchange) StoreFails(err error) (store string) {
	store, unavailable := underway.StoreSecrets, errors.Is(err, factor.ErrUnavailable)
	switch {
	case errors.Is(err, ErrNames):
		store, unavailable = underway.StoreNames, true
	case errors.Is(err, session.ErrStore):
		store, unavailable = underway.StoreSessions, true
	}
	var look lookError
	if unavailable && x.Stores.Of(store).Fails(!errors.As(err, &look), x.Config.Now()) {
		x.Tell(event.Event{Name: event.StoreUnavailable, Actor: event.ByGateway, Setting: store, Detail: err.Error()})
	}
	return store
}

// StoreWorks notes that a store did what it was asked to do, and emits an event if it had failed before.
func (x *Exchange) StoreWorks(store string, change bool) {
	health := x.Stores.Of(store)
	if health.Ill.Load() && health.Works(change, x.Config.Now()) {
		x.Tell(event.Event{Name: event.StoreRecovered, Setting: store})
	}
}

// keyPatience is how long a request waits at most for keys of the session store.
const keyPatience = 500 * time.Millisecond

// Keys returns the session store's keys for a purpose. What a request does with them it can do without, so it does not
// wait long.
func Keys(ctx context.Context, s *Site, purpose string) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, keyPatience)
	defer cancel()
	return s.Config.Sessions.Keys(ctx, purpose)
}
