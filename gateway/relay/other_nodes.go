package relay

import (
	"context"
	"errors"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/session"
)

// askStoreEvery is how often the store is asked whether a request at another gateway still has the turn.
const askStoreEvery = 20 * time.Millisecond

// lookNow reads a session from the store itself. It waits for a second at most, and goes on if the client leaves.
func (s *Site) lookNow(ctx context.Context, token string) (*session.Data, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer done()
	return s.Config.Sessions.LoadNow(ctx, token)
}

// pollStore calls look at once and then every askStoreEvery, until look returns true, patience is over or the channel
// is closed.
func pollStore(patience time.Duration, over func() <-chan struct{}, look func() (enough bool)) {
	if look() || patience == 0 {
		return
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	again := time.NewTicker(askStoreEvery)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			if look() {
				return
			}
		case <-late.C:
			return
		case <-over():
			return
		}
	}
}

// awaitTurn is Visit.Wait across all gateways that share the session store. It returns session.ErrGone if the session
// has ended.
func (s *Site) awaitTurn(ctx context.Context, v *underway.Visit) (waited, alone bool, err error) {
	waited, alone = v.Wait(ctx)
	if !s.Config.Sessions.Remote() {
		return waited, alone, nil
	}
	others, err := s.awaitOthers(ctx, v)
	return true, alone && others, err
}

// awaitOthers waits for requests that other gateways have at the app. A request that may raise the session marks itself
// in the store.
func (s *Site) awaitOthers(ctx context.Context, v *underway.Visit) (alone bool, err error) {
	pollStore(v.Patience(), ctx.Done, func() bool {
		alone, err = s.tryTurn(ctx, v)
		return alone || err != nil
	})
	return alone, err
}

// tryTurn reports whether the turn is free, and takes it if the request may raise the session.
func (s *Site) tryTurn(ctx context.Context, v *underway.Visit) (free bool, err error) {
	now := s.Config.Now()
	data, err := s.Config.Sessions.LoadNow(ctx, v.Token) // Load first: this saves a write per look
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
		at = now.Add(underway.OpenPatience - underway.MayTake) // so that the mark lapses earlier
	}
	taken, err := s.Config.Sessions.Take(context.WithoutCancel(ctx), v.Token, session.Raise(now, at, underway.MayTake))
	if free = taken.Done; free {
		v.Marked.Store(true)
		// The earlier mark is of a request that has lapsed or that nobody has settled.
		v.Beside = v.Beside || taken.Before.Raising != nil
	}
	return free, err
}

// unmark removes the mark in the store that a request of the session may be raising it.
func (s *Site) unmark(ctx context.Context, v *underway.Visit) {
	if !v.Marked.Swap(false) {
		return
	}
	_, err := s.Config.Sessions.Take(context.WithoutCancel(ctx), v.Token, session.Settle())
	if err != nil && !errors.Is(err, session.ErrGone) {
		s.Log.WarnContext(ctx, "store failed; a request of the session counts as under way for longer than it is",
			"setting", "sessions", "app", s.Config.App, "error", err)
	}
}

// undisturbedElsewhere waits, before a piece of an answer or a tunnel is sent, until no other gateway has a request at
// the app that may raise the session. It reports whether there is none. It returns false if patience is over, the
// stream has ended or the store does not answer. The store is asked about each piece, because other gateways tell this
// one nothing.
func (s *stream) undisturbedElsewhere(patience time.Duration) (undisturbed bool) {
	site := s.site
	if site == nil || !site.Config.Sessions.Remote() {
		return true
	}
	s.mutex.Lock()
	token, concerns := s.token, s.inPlace && !s.stranger
	s.mutex.Unlock()
	if !concerns {
		return true
	}
	pollStore(patience, s.ending.Done, func() bool {
		data, err := site.lookNow(context.Background(), token)
		if err != nil || data == nil {
			return true
		}
		now := site.Config.Now()
		undisturbed = !data.Raised(now, underway.MayTake)
		if undisturbed && site.checkDue(data, now, false) != gate.NoCheck {
			s.stale.Store(true)
		}
		return undisturbed
	})
	return undisturbed
}
