package relay

import (
	"context"
	"errors"
	"time"

	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/session"
)

// askStoreEvery is how often the store is asked whether the turn is free that a request at another gateway has.
const askStoreEvery = 20 * time.Millisecond

// awaitTurn is visit.wait for all gateways that share the store of sessions. session.ErrGone is returned where the
// session has ended.
func (s *Site) awaitTurn(ctx context.Context, v *underway.Visit) (waited, alone bool, err error) {
	waited, alone = v.Wait(ctx)
	if !s.Config.Sessions.Remote() {
		return waited, alone, nil
	}
	others, err := s.awaitOthers(ctx, v)
	return true, alone && others, err
}

// awaitOthers waits for what goes to the app by other gateways. A request that may raise the session is marked in the
// store.
func (s *Site) awaitOthers(ctx context.Context, v *underway.Visit) (alone bool, err error) {
	over := time.NewTimer(v.Patience())
	defer over.Stop()
	again := time.NewTicker(askStoreEvery)
	defer again.Stop()
	for {
		if alone, err = s.tryTurn(ctx, v); alone || err != nil {
			return alone, err
		}
		select {
		case <-again.C:
		case <-over.C:
			return false, nil
		case <-ctx.Done():
			return false, nil
		}
	}
}

// tryTurn looks whether the turn is free, and takes it where the request may raise the session.
func (s *Site) tryTurn(ctx context.Context, v *underway.Visit) (free bool, err error) {
	now := s.Config.Now()
	data, err := s.Config.Sessions.LoadNow(ctx, v.Token) // which spares a write for each look
	switch {
	case err != nil:
		return false, err
	case data == nil:
		return false, session.ErrGone
	case data.Raised(now, underway.MayTake):
		return false, nil
	case !v.Raises:
		return true, nil
	}
	at := now
	if v.Plain {
		at = now.Add(underway.OpenPatience - underway.MayTake) // which lapses so much sooner
	}
	taken, err := s.Config.Sessions.Take(context.WithoutCancel(ctx), v.Token, session.Raise(now, at, underway.MayTake))
	if free = taken.Done; free {
		v.Marked.Store(true)
		v.Beside = v.Beside || taken.Before.Raising != nil // by a request that has lapsed, or that nobody has settled
	}
	return free, err
}

// unmark has the store forget that a request of the session may be raising it.
func (s *Site) unmark(ctx context.Context, v *underway.Visit) {
	if !v.Marked.Swap(false) {
		return
	}
	_, err := s.Config.Sessions.Take(context.WithoutCancel(ctx), v.Token, session.Settle())
	if err != nil && !errors.Is(err, session.ErrGone) {
		s.Log.WarnContext(ctx, "store failed; other requests of the session wait longer than they need to",
			"setting", "sessions", "app", s.Config.App, "error", err)
	}
}

// undisturbedElsewhere waits, before a piece of an answer that has begun or of a tunnel is sent, until no request is at
// the app by another gateway that may raise the session. It reports whether there is none; else patience or the stream
// has run out, or the store says nothing. The store is asked about each piece: nobody tells this gateway.
func (s *stream) undisturbedElsewhere(patience time.Duration) bool {
	g := s.site
	if g == nil || !g.Config.Sessions.Remote() {
		return true
	}
	s.mutex.Lock()
	token, concerns := s.token, s.inPlace && !s.stranger
	s.mutex.Unlock()
	if !concerns {
		return true
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	for {
		ctx, done := context.WithTimeout(context.Background(), lookTimeout)
		data, err := g.Config.Sessions.LoadNow(ctx, token)
		done()
		now := g.Config.Now()
		switch {
		case err != nil || data == nil:
			return false
		case !data.Raised(now, underway.MayTake):
			if g.isDue(data, now) {
				s.stale.Store(true)
			}
			return true
		case patience == 0:
			return false
		}
		again := time.NewTimer(askStoreEvery)
		select {
		case <-again.C:
			continue
		case <-over.C:
		case <-s.ending.Done():
		}
		again.Stop()
		return false
	}
}

// raisedElsewhere reports whether it may have been, by what the store says. Where it says nothing, the app has to.
func raisedElsewhere(x *Exchange) bool {
	ctx, done := context.WithTimeout(context.WithoutCancel(x.R.Context()), lookTimeout)
	defer done()
	data, err := x.Config.Sessions.LoadNow(ctx, x.Token)
	return err != nil || data == nil || data.Raised(x.Config.Now(), underway.MayTake)
}
