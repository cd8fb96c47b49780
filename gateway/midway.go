package gateway

import (
	"context"
	"sync"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// midway asks the app whose a session is while an answer of it, or a tunnel, is under way: what is sent after that came
// before it. Safe for concurrent use.
type midway struct {
	mutex  sync.Mutex
	stream *stream
	x      *exchange // of which nobody else knows
}

// startMidway is called by the goroutine that the exchange belongs to.
func (x *exchange) startMidway() *midway {
	if x.stream.gateway == nil {
		x.stream.begin(x)
	}
	x.clientCookies()
	r := x.r.Clone(context.WithoutCancel(x.r.Context()))
	return &midway{stream: &x.stream, x: &exchange{
		Gateway: x.Gateway, next: x.next, w: x.w, r: x.config.PrepareProbe(r, x.r, x.w), now: x.now, place: x.place, path: x.path,
		authorization: x.authorization, sent: x.sent, sentSaved: true,
	}}
}

// confirms asks the app, and reports whether the session is whose it was. Where it is not, or nobody can say, the
// stream is cut, and the session is asked about before its next use. Where another request has asked meanwhile, that is
// enough, unless it must be now.
func (m *midway) confirms(now bool) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	s, x := m.stream, m.x
	if s.cut.Load() {
		return false
	}
	s.stale.Store(false)
	s.mutex.Lock()
	token, identity, stranger := s.token, s.identity, s.stranger
	s.mutex.Unlock()
	data, err := x.config.Sessions.LoadNow(x.r.Context(), token)
	x.token, x.data, x.now = token, data, x.config.Now()
	switch {
	case err != nil, !stranger && !mayGoOn(data, identity), stranger && data == nil:
	case !stranger && !now && !x.mustAsk():
		return !s.cut.Load()
	case stranger:
		if x.confirmsStranger() {
			return !s.cut.Load()
		}
	case x.confirmsUser():
		return !s.cut.Load()
	}
	s.stop()
	return false
}

func (x *exchange) confirmsUser() bool {
	for range maxRechecks {
		said := x.whose(x.data.Held)
		if said.verdict == login.NotSignedIn && x.tokenRanOut() {
			return true // as a recheck has it
		}
		if said.verdict != login.Known || said.name != x.data.Identity {
			x.log.WarnContext(x.r.Context(), "an open stream was cut: the app does not name the session's user any more",
				"setting", "identity", "app", x.config.App, "user", x.data.Identity, "status", said.status, "error", said.err)
			break
		}
		if len(said.changes) == 0 && !x.mustAsk() {
			return true
		}
		if vouched, err := x.vouch(said); vouched || err != nil {
			return err == nil
		}
	}
	x.askBeforeNextUse()
	return false
}

func (x *exchange) confirmsStranger() bool {
	said := x.probe(x.data.Guest, attachment{})
	_, err := x.take(session.ReviewGuest(x.cookiesSet(said.changes), said.verdict == login.NotSignedIn, false))
	return err == nil && said.verdict == login.NotSignedIn
}

// mayGoOut reports whether a piece of an answer that has begun may be sent. While another request is at the app that
// may raise the session, it waits for a while; then, and where it is time to, the app is asked.
func (f *filter) mayGoOut() bool {
	s, v := &f.x.stream, f.x.visit
	if s.cut.Load() {
		return false
	}
	ask := s.stale.Load()
	if v != nil && !v.raises {
		patience := pagePatience
		if s.impatient {
			patience = 0
		}
		s.impatient = !v.undisturbed(f.x.r.Context(), patience) || !s.undisturbedElsewhere(patience)
		ask = s.impatient || s.stale.Load()
	}
	if ask {
		return f.confirmed(s.impatient)
	}
	return !s.cut.Load() // also by what it waited for
}

// confirmed has the app say whose the session is, where it can be asked.
func (f *filter) confirmed(now bool) bool {
	s := &f.x.stream
	if s.midway == nil {
		if !f.x.mayAskMidway() {
			return !s.cut.Load()
		}
		s.midway = f.x.startMidway()
	}
	return s.midway.confirms(now)
}

// mayAskMidway reports whether there is somebody to ask, and a session to ask about.
func (x *exchange) mayAskMidway() bool {
	if !x.config.Logins.Asks() || x.config.Front != nil || x.token == "" {
		return false
	}
	return x.state() == gate.Verified && !x.lacksPassword() || x.state() != gate.Verified && (x.carries || x.suspect)
}

// asksOn reports whether all that follows of an answer has to wait for the app's word, as its beginning did: the
// request may sign somebody in after that.
func (f *filter) asksOn() bool {
	x := f.x
	if !f.early || !x.mayAskMidway() {
		return false
	}
	if x.state() != gate.Verified {
		return x.mayHaveSignedIn()
	}
	return x.visit != nil && x.visit.raises || x.visit == nil && x.suspect
}

// sendAsked sends what has been kept of such an answer.
func (f *filter) sendAsked() error {
	kept := f.waiting.body.Bytes()
	if len(kept) == 0 {
		return nil
	}
	if !f.confirmed(true) {
		return errSessionEnded
	}
	_, err := f.pass(kept)
	f.waiting.body.Reset()
	return err
}
