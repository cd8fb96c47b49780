package gateway

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/session"
)

const (
	// raisedFor is how long it is remembered that a session was raised. A request that read the session before that has
	// begun to carry its cookies long before.
	raisedFor = time.Minute
	// mayTake is how long an app may still be at work on a request whose client has left.
	mayTake = 30 * time.Second
	// raisePatience is how long a request that may raise a session waits for another one of its kind, and pagePatience
	// how long a page load does. Then it goes on, once the app was asked whose the session is: some apps keep a request
	// for long.
	raisePatience = 15 * time.Second
	pagePatience  = 3 * time.Second
	// openPatience is how long a page load keeps another request waiting at most: some are polls, which an app answers
	// when there is news, and some are downloads.
	openPatience = time.Second
)

// raising keeps the requests of one session apart, by its token, where some may raise it: sign somebody in, in an app
// that does so under the cookie that is there. While such a request is at the app nothing else of that session goes
// there, since nobody knows whose the session is before it is settled. The zero value is ready for use.
type raising struct {
	mutex    sync.Mutex
	sessions map[string]*turn
	over     map[string]time.Time
}

// turn says what of a session is at the app.
type turn struct {
	visits  int           // that refer to it
	raises  int           // those among them that may raise the session
	taken   bool          // one of these is at the app
	open    int           // others that the app has not answered to the end
	lapsed  int           // those that may raise the session, are at the app still, and keep nothing waiting any more
	changed chan struct{} // closed when any of it is given back
}

// visit is one request of a session that may be raised. Its methods may be called from any goroutine, in any order.
type visit struct {
	raising *raising
	token   string
	turn    *turn
	// raises: it may raise the session itself; plain: it is a page load, by whatever address.
	raises, plain bool
	// holds: it has the turn, or is counted as open; left: it is settled; uploads: it is counted as open until it takes
	// its turn; lapsed: it had the turn, for as long as it could.
	holds, left, uploads, lapsed bool
	// beside: when it took its turn another one was at the app that had lapsed.
	beside bool
	// poll gives the turn back of what the app keeps for long: a page load, and an answer that has begun. Nil in all
	// others.
	poll *time.Timer
	// marked: the store knows of it.
	marked atomic.Bool
}

// join notes a request, and leave, on what it returns, that it is settled. One that is plain is a page load.
func (r *raising) join(token string, raises, plain bool) *visit {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	t := r.sessions[token]
	if t == nil {
		if r.sessions == nil {
			r.sessions = make(map[string]*turn)
		}
		t = &turn{changed: make(chan struct{})}
		r.sessions[token] = t
	}
	if t.visits++; raises {
		t.raises++
	}
	return &visit{raising: r, token: token, turn: t, raises: raises, plain: plain}
}

// wait waits until the request may go to the app. It reports whether it had to wait, and whether there is nothing at
// the app that may raise the session: where there still is, patience or the client has run out.
func (v *visit) wait(ctx context.Context) (waited, alone bool) {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	t := v.turn
	v.endUpload()
	waited, alone = v.until(ctx, v.patience(), func() bool { return !t.taken })
	if v.left || v.holds {
		return waited, alone
	}
	switch {
	case !v.raises:
		t.open++
		v.holds = true
	case alone:
		t.taken, v.holds, v.beside = true, true, t.lapsed > 0
		v.until(ctx, openPatience, func() bool { return t.open == 0 })
	}
	if v.plain && v.holds {
		v.poll = time.AfterFunc(openPatience, v.lapse)
	}
	return waited, alone
}

// patience is how long the request waits for one that may raise the session. A page load waits no longer where its
// address has a query.
func (v *visit) patience() time.Duration {
	if v.raises && !v.plain {
		return raisePatience
	}
	return pagePatience
}

// until is called with the lock held, and waits without it, for nothing where patience is zero. changed is closed at
// the next change, and over where whoever waits need wait no longer.
func (r *raising) until(patience time.Duration, changed, over func() <-chan struct{}, free func() bool) (waited, is bool) {
	if is := free(); is || patience == 0 {
		return false, is
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for goOn := true; goOn && !free(); {
		next := changed()
		r.mutex.Unlock()
		select {
		case <-next:
		case <-timer.C:
			goOn = false
		case <-over():
			goOn = false
		}
		r.mutex.Lock()
	}
	return true, free()
}

// until is that of the visit's turn.
func (v *visit) until(ctx context.Context, patience time.Duration, free func() bool) (waited, is bool) {
	return v.raising.until(patience, func() <-chan struct{} { return v.turn.changed }, ctx.Done, free)
}

// undisturbed waits, before a piece of an answer that has begun is sent, until no other request is at the app that may
// raise the session: the piece may be the other's. It reports whether there is none; else patience or the client has
// run out.
func (v *visit) undisturbed(ctx context.Context, patience time.Duration) bool {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	_, free := v.until(ctx, patience, func() bool { return !v.turn.taken || v.left })
	return free
}

// undisturbed is that of a visit, for what a tunnel of the session carries. over is closed when the tunnel is to end.
func (r *raising) undisturbed(token string, patience time.Duration, over func() <-chan struct{}) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, free := r.until(patience, func() <-chan struct{} { return r.sessions[token].changed }, over, func() bool {
		return r.sessions[token] == nil || !r.sessions[token].taken
	})
	return free
}

// quiet waits until nothing of a session is at the app, for a request that is to go there with its cookies and no visit
// of its own.
func (r *raising) quiet(ctx context.Context, token string, patience time.Duration) {
	v := r.join(token, false, false)
	defer v.leave()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	v.until(ctx, patience, func() bool { return v.turn.open == 0 && !v.turn.taken })
}

// answering notes that the answer has begun, and is known to be the user's so far. What the app does before it has come
// to its end may be done by whoever else has signed in meanwhile, or may sign somebody in: so the turn is kept until
// then, for as long as others would have waited for an answer that has not begun. then is called where that is over.
func (v *visit) answering(then func()) {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	if v.left || !v.holds || v.poll != nil {
		return
	}
	v.poll = time.AfterFunc(raisePatience, then)
}

// lapse gives the turn back though the request is at the app still. It may have raised the session, or do so yet: the
// next one that may raise it, and so hide what this one did, goes out once the app was asked.
func (v *visit) lapse() {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	if v.raises && v.holds {
		v.lapsed = true
		v.turn.lapsed++
	}
	v.giveBack()
}

// answered gives the turn back: the app has answered, and it is known whose the session is.
func (v *visit) answered() {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	v.giveBack()
}

// hasTurn reports whether the request is one that may raise the session, and is alone at the app still.
func (v *visit) hasTurn() bool {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	return v.raises && v.holds
}

// giveBack is called with the lock held.
func (v *visit) giveBack() {
	if !v.holds {
		return
	}
	if v.holds = false; v.raises {
		v.turn.taken = false
	} else {
		v.turn.open--
	}
	v.turn.wake()
}

// wake has those look again that wait. It is called with the lock held.
func (t *turn) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// beginUpload has a request that takes its turn with its last bytes count as open until then: the app has what came
// before, and may be at work on it.
func (v *visit) beginUpload() {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	v.uploads = true
	v.turn.open++
}

// endUpload is called with the lock held.
func (v *visit) endUpload() {
	if v.uploads {
		v.uploads = false
		v.turn.open--
		v.turn.wake()
	}
}

// leave says that the request is settled. It may be called again.
func (v *visit) leave() {
	v.raising.mutex.Lock()
	defer v.raising.mutex.Unlock()
	if v.left {
		return
	}
	v.left = true
	v.giveBack()
	v.endUpload()
	if v.poll != nil {
		v.poll.Stop()
	}
	if v.lapsed {
		v.turn.lapsed--
	}
	if v.raises {
		v.turn.raises--
	}
	if v.turn.visits--; v.turn.visits == 0 {
		delete(v.raising.sessions, v.token)
	}
}

// linger has a request that nobody saw answered be under way for a while: the app may not have come to it yet.
func (r *raising) linger(token string) { time.AfterFunc(mayTake, r.join(token, true, false).leave) }

// any reports whether a request is under way that may raise the session.
func (r *raising) any(token string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	t := r.sessions[token]
	return t != nil && t.raises > 0
}

// end notes that the session of a token has been found to be another's.
func (r *raising) end(token string, now time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	maps.DeleteFunc(r.over, func(_ string, at time.Time) bool { return !age.Within(now, at, raisedFor) })
	if r.over == nil {
		r.over = make(map[string]time.Time)
	}
	r.over[token] = now
}

func (r *raising) ended(token string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, ended := r.over[token]
	return ended
}

// mayRaise reports whether a request of a verified session may raise it without a sign. A query may do so too, by
// fields whose names nobody described, and so may a path that was not seen to be harmless.
func (x *exchange) mayRaise() bool { return x.data.InPlace && (!x.plain() || !x.knowsAddress()) }

// besideRaise reports whether the answer that has come may be to whom another request of the session is signing in at
// this moment. Then it waits for the app's word, as the other one's does. One that comes later than that finds its
// session gone: it is cut, or disowned where the other one was at another gateway.
//
// A mere page load may have signed somebody in itself. So it is asked about as well, unless it brings what belongs to a
// page (pictures, fonts, styles and scripts) from an address that was seen to be harmless, and carries no header that
// could be the credential.
func (x *exchange) besideRaise(header http.Header) bool {
	if x.suspect || x.state() != gate.Verified || !x.data.InPlace {
		return x.suspect
	}
	if !belongsToPage(header) || x.hasMoreHeaders() || x.raising.any(x.token) || x.config.Sessions.Remote() && x.raisedElsewhere() {
		x.suspect = true
	}
	return x.suspect
}

// belongsToPage reports whether an answer's type is one that pages load besides themselves.
func belongsToPage(header http.Header) bool {
	media := mediaType(header)
	kind, _, _ := strings.Cut(media, "/")
	switch kind {
	case "image", "font", "audio", "video":
		return true
	}
	switch media {
	case "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/wasm":
		return true
	}
	return false
}

// settled says that the answer to a request of a session that may be raised has been decided. What a tunnel carries
// from there on is looked at by nobody.
func (x *exchange) settled(status int) {
	if x.filter.early && status != http.StatusSwitchingProtocols && !isEventStream(x.w.Header()) {
		g, v := x.Gateway, x.visit
		v.answering(func() {
			g.unmark(context.Background(), v)
			v.lapse()
		})
		return
	}
	x.unmark(x.r.Context(), x.visit)
	x.visit.answered()
	if status == http.StatusSwitchingProtocols {
		x.visit.leave()
	}
}

// settledEarly is called behind a request. Where that was settled before its answer was whole, what the app did after
// that is asked about before the session's next use.
func (x *exchange) settledEarly() {
	if !x.filter.early || x.state() != gate.Verified {
		return
	}
	if x.visit.raises && x.r.Context().Err() != nil {
		x.raising.linger(x.token) // the app may be at it still
	}
	x.askBeforeNextUse()
}

// askBeforeNextUse is unsettle where nobody waits for an answer any more.
func (x *exchange) askBeforeNextUse() {
	if err := x.unsettle(nil); err != nil && !errors.Is(err, session.ErrGone) {
		x.storeFails(err)
		x.log.ErrorContext(x.r.Context(), "store failed; the identity check could not be asked for",
			"setting", "sessions", "app", x.config.App, "error", err)
	}
}
