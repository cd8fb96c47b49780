package underway

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/internal/age"
)

const (
	// raisedFor is how long it is remembered that a session was found to be another user's. A request that read the
	// session before that takes its cookies to the app in less time.
	raisedFor = time.Minute
	// MayTake is how long an app may go on with a request whose client has left.
	MayTake = 30 * time.Second
	// RaisePatience is how long a request that may raise a session waits for another such request. Then the app is
	// asked whose the session is, and the request goes on, because some apps take long.
	RaisePatience = 15 * time.Second
	// PagePatience is how long a page load waits for such a request.
	PagePatience = 3 * time.Second
	// OpenPatience is how long a page load may keep another request waiting: some are polls, which an app answers when
	// there is news, and some are downloads.
	OpenPatience = time.Second
)

// Raising keeps the requests of a session apart, by its token, if some of them may raise it: sign somebody in under the
// cookie that the session already has. While such a request is at the app, no other request of that session goes there,
// because nobody knows whose the session is until the app is asked. The zero value is ready for use.
type Raising struct {
	mutex    sync.Mutex
	sessions map[string]*turn
	over     map[string]time.Time
}

// turn counts a session's requests at the app.
type turn struct {
	visits int  // visits that refer to it
	raises int  // visits among them that may raise the session
	taken  bool // one of these is at the app
	open   int  // other visits that the app has not answered completely
	// Visits that may raise the session and are still at the app, but that no other request waits for any more.
	lapsed  int
	changed chan struct{} // closed when one of these is given back
}

// Visit is one request of a session that may be raised. Its methods may be called from any goroutine, in any order.
type Visit struct {
	Raising *Raising
	Token   string
	turn    *turn
	// Raises: the request may raise the session itself. Plain: it is a page load, of whatever address.
	Raises, Plain bool
	// holds: it has the turn, or is counted as open. left: it is settled. uploads: it is counted as open until it takes
	// its turn. lapsed: it had the turn for as long as it may have it.
	holds, left, uploads, lapsed bool
	// Beside: another request was still at the app when this one took its turn. The turn of the other one had lapsed,
	// or the app had not answered it completely.
	Beside bool
	// poll gives the turn back if the app takes long over a page load or an answer that has begun. Nil for other
	// requests.
	poll *time.Timer
	// Marked: the mark of this request stands in the store.
	Marked atomic.Bool
}

// Join notes a request; Leave has to be called when the request is settled. plain says that it is a page load.
func (r *Raising) Join(token string, raises, plain bool) *Visit {
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
	return &Visit{Raising: r, Token: token, turn: t, Raises: raises, Plain: plain}
}

// Wait waits until the request may go to the app. It reports whether it had to wait, and whether no request at the app
// may raise the session. If one still may, the patience is over or the client has left.
func (v *Visit) Wait(ctx context.Context) (waited, alone bool) {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
	t := v.turn
	v.endUpload()
	waited, alone = v.until(ctx, v.Patience(), func() bool { return !t.taken })
	if v.left || v.holds {
		return waited, alone
	}
	switch {
	case !v.Raises:
		t.open++
		v.holds = true
	case alone:
		t.taken, v.holds, v.Beside = true, true, t.lapsed > 0
		_, quiet := v.until(ctx, OpenPatience, func() bool { return t.open == 0 })
		v.Beside = v.Beside || !quiet && !v.Plain
	}
	if v.Plain && v.holds {
		v.poll = time.AfterFunc(OpenPatience, v.Lapse)
	}
	return waited, alone
}

// Patience returns how long the request waits for one that may raise the session. A page load waits no longer if its
// address has a query.
func (v *Visit) Patience() time.Duration {
	if v.Raises && !v.Plain {
		return RaisePatience
	}
	return PagePatience
}

// until waits until free returns true. It is called with the lock held and releases the lock while it waits; it does
// not wait if patience is zero. changed is closed at the next change, and over when the caller need not wait any more.
func (r *Raising) until(patience time.Duration, changed, over func() <-chan struct{}, free func() bool) (waited, is bool) {
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

// until is Raising.until for the turn of the visit.
func (v *Visit) until(ctx context.Context, patience time.Duration, free func() bool) (waited, is bool) {
	return v.Raising.until(patience, func() <-chan struct{} { return v.turn.changed }, ctx.Done, free)
}

// Undisturbed waits, before a piece of an answer that has begun is sent, until no other request at the app may raise
// the session, because the piece may be meant for the user whom that request signs in. It reports whether there is no
// such request. If there is one, the patience is over or the client has left.
func (v *Visit) Undisturbed(ctx context.Context, patience time.Duration) bool {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
	_, free := v.until(ctx, patience, func() bool { return !v.turn.taken || v.left })
	return free
}

// Undisturbed is like Visit.Undisturbed, but for what a tunnel of the session carries. over is closed when the tunnel
// has to end.
func (r *Raising) Undisturbed(token string, patience time.Duration, over func() <-chan struct{}) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, free := r.until(patience, func() <-chan struct{} { return r.sessions[token].changed }, over, func() bool {
		return r.sessions[token] == nil || !r.sessions[token].taken
	})
	return free
}

// Quiet waits until no request of a session is at the app. It is for a request that carries the session's cookies and
// has no visit of its own.
func (r *Raising) Quiet(ctx context.Context, token string, patience time.Duration) {
	v := r.Join(token, false, false)
	defer v.Leave()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	v.until(ctx, patience, func() bool { return v.turn.open == 0 && !v.turn.taken })
}

// Answering notes that the answer has begun, and that it has been the user's so far. Until its end the app may still
// sign somebody in, or go on as somebody who signed in meanwhile. So the request keeps its turn until then, but no
// longer than others would wait for an answer that has not begun. If that time is over first, then is called.
func (v *Visit) Answering(then func()) {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
	if v.left || !v.holds || v.poll != nil {
		return
	}
	v.poll = time.AfterFunc(RaisePatience, then)
}

// Lapse gives the turn back although the request is still at the app. The request may have raised the session, or may
// do so later. So the app is asked before another request may raise the session and hide what this one did.
func (v *Visit) Lapse() {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
	if v.Raises && v.holds {
		v.lapsed = true
		v.turn.lapsed++
	}
	v.giveBack()
}

// Answered gives the turn back: the app has answered, and it is known whose the session is.
func (v *Visit) Answered() {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
	v.giveBack()
}

// HasTurn reports whether the request may raise the session and is still alone at the app.
func (v *Visit) HasTurn() bool {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
	return v.Raises && v.holds
}

// giveBack is called with the lock held.
func (v *Visit) giveBack() {
	if !v.holds {
		return
	}
	if v.holds = false; v.Raises {
		v.turn.taken = false
	} else {
		v.turn.open--
	}
	v.turn.wake()
}

// wake makes waiting requests check again. It is called with the lock held.
func (t *turn) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// BeginUpload counts a request that takes its turn before its last bytes as open until then, because the app may
// already be working on the earlier bytes.
func (v *Visit) BeginUpload() {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
	v.uploads = true
	v.turn.open++
}

// endUpload is called with the lock held.
func (v *Visit) endUpload() {
	if v.uploads {
		v.uploads = false
		v.turn.open--
		v.turn.wake()
	}
}

// Leave notes that the request is settled. It may be called again.
func (v *Visit) Leave() {
	v.Raising.mutex.Lock()
	defer v.Raising.mutex.Unlock()
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
	if v.Raises {
		v.turn.raises--
	}
	if v.turn.visits--; v.turn.visits == 0 {
		delete(v.Raising.sessions, v.Token)
	}
}

// Linger counts a request whose answer nobody saw as under way for a while, because the app may still be handling it.
func (r *Raising) Linger(token string) { time.AfterFunc(MayTake, r.Join(token, true, false).Leave) }

// Any reports whether a request that may raise the session is under way.
func (r *Raising) Any(token string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	t := r.sessions[token]
	return t != nil && t.raises > 0
}

// Visiting returns how many requests of sessions that may be raised are under way.
func (r *Raising) Visiting() (count int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, t := range r.sessions {
		count += t.visits
	}
	return count
}

// End notes that a session was found to be another user's.
func (r *Raising) End(token string, now time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	maps.DeleteFunc(r.over, func(_ string, at time.Time) bool { return !age.Within(now, at, raisedFor) })
	if r.over == nil {
		r.over = make(map[string]time.Time)
	}
	r.over[token] = now
}

// Ended reports whether the session was lately found to be another user's.
func (r *Raising) Ended(token string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, ended := r.over[token]
	return ended
}
