package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"sallyport/age"
	"sallyport/gate"
	"sallyport/session"
)

// askStoreEvery is how often the store is asked whether the turn is free that a request at another gateway has.
const askStoreEvery = 20 * time.Millisecond

// awaitOthers is visit.wait for what goes to the app by other gateways that share the store of sessions. A request that may raise
// the session is marked there. session.ErrGone is returned where the session has ended.
func (g *Gateway) awaitOthers(ctx context.Context, v *visit) (alone bool, err error) {
	patience := pagePatience
	if v.raises {
		patience = raisePatience
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(askStoreEvery)
	defer again.Stop()
	for {
		if alone, err = g.tryTurn(ctx, v); alone || err != nil {
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
func (g *Gateway) tryTurn(ctx context.Context, v *visit) (free bool, err error) {
	now := g.config.Now()
	if !v.raises {
		data, err := g.config.Sessions.LoadNow(ctx, v.token)
		if err == nil && data == nil {
			err = session.ErrGone
		}
		return err == nil && !raisedAt(data, now), err
	}
	data, err := g.config.Sessions.LoadNow(ctx, v.token) // which spares a write for each look
	if err != nil || data == nil || raisedAt(data, now) {
		if err == nil && data == nil {
			err = session.ErrGone
		}
		return false, err
	}
	_, err = g.config.Sessions.Update(context.WithoutCancel(ctx), v.token, func(data *session.Data) error {
		if free = !raisedAt(data, now); free {
			data.Raising = now
		}
		return nil
	})
	if free = free && err == nil; free {
		v.marked.Store(true)
		if v.plain {
			time.AfterFunc(openPatience, func() { g.unmark(context.Background(), v) })
		}
	}
	return free, err
}

// raisedAt reports whether a request of another gateway's may be raising the session. One that was forgotten, by a gateway that
// fell over, is over after a while. Another gateway's clock may be ahead.
func raisedAt(data *session.Data, now time.Time) bool {
	return age.Within(now, data.Raising, mayTake) || age.Within(data.Raising, now, mayTake)
}

// unmark has the store forget that a request of the session may be raising it.
func (g *Gateway) unmark(ctx context.Context, v *visit) {
	if !v.marked.Swap(false) {
		return
	}
	_, err := g.config.Sessions.Update(context.WithoutCancel(ctx), v.token, func(data *session.Data) error {
		data.Raising = time.Time{}
		return nil
	})
	if err != nil && !errors.Is(err, session.ErrGone) {
		g.log.WarnContext(ctx, "store failed; other requests of the session wait longer than they need to",
			"setting", "sessions", "app", g.config.App, "error", err)
	}
}

// besideRaise reports whether the answer that has come may be to whom another request of the session is signing in at this moment.
// Then it waits for the app's word, as the other one's does. One that comes later than that finds its session gone: it is cut, or
// disowned where the other one was at another gateway.
//
// A mere page load may have signed somebody in itself, by what stands in its path. So it is asked about as well, unless it brings what
// belongs to a page: pictures, fonts, styles and scripts.
func (x *exchange) besideRaise(header http.Header) bool {
	if x.suspect || x.state() != gate.Verified || !x.data.InPlace {
		return x.suspect
	}
	if !belongsToPage(header) || x.raising.any(x.token) || x.config.Sessions.Remote() && x.raisedElsewhere() {
		x.suspect = true
	}
	return x.suspect
}

// belongsToPage reports whether an answer's type is one that pages load besides themselves.
func belongsToPage(header http.Header) bool {
	media, _, _ := strings.Cut(strings.ToLower(header.Get("Content-Type")), ";")
	kind, _, _ := strings.Cut(strings.TrimSpace(media), "/")
	switch kind {
	case "image", "font", "audio", "video":
		return true
	}
	switch strings.TrimSpace(media) {
	case "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/wasm":
		return true
	}
	return false
}

// raisedElsewhere reports whether it may have been, by what the store says. Where it says nothing, the app has to.
func (x *exchange) raisedElsewhere() bool {
	ctx, done := context.WithTimeout(context.WithoutCancel(x.r.Context()), lookTimeout)
	defer done()
	data, err := x.config.Sessions.LoadNow(ctx, x.token)
	return err != nil || data == nil || raisedAt(data, x.config.Now())
}
