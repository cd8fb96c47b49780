package relay

import (
	"context"
	"sync"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// midway asks the app whose a session is while an answer or a tunnel of the session is under way. What is sent after
// the question came from the app before it. midway is safe for concurrent use.
type midway struct {
	mutex  sync.Mutex
	stream *stream
	x      *Exchange // used by nobody else
}

// startMidway is called by the goroutine that the exchange belongs to.
func (x *Exchange) startMidway() *midway {
	if x.stream.site == nil {
		x.stream.begin(x)
	}
	x.ClientCookies()
	r := x.R.Clone(context.WithoutCancel(x.R.Context()))
	asking := Begin(x.site, x.W, x.Config.PrepareProbe(r, x.R, x.W), x.Next)
	asking.Now, asking.Place, asking.Path = x.Now, x.Place, x.Path
	asking.Authorization, asking.Sent, asking.SentSaved = x.Authorization, x.Sent, true
	asking.answered = x.answered
	return &midway{stream: &x.stream, x: asking}
}

// confirms asks the app and reports whether the session is still the same user's. If it is not, or if the app cannot
// say, the stream is cut and the app is asked before the session's next use. If another request has just asked, its
// result is used, unless now is set.
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
	data, err := x.Config.Sessions.LoadNow(x.R.Context(), token)
	x.Adopt(token, data)
	x.Now = x.Config.Now()
	switch {
	case err != nil, !mayGoOn(data, identity, stranger):
	case !stranger && !now && x.checkDue() == gate.NoCheck:
		return !s.cut.Load()
	case stranger:
		if confirmsStranger(x) {
			return !s.cut.Load()
		}
	case confirmsUser(x):
		return !s.cut.Load()
	}
	s.Stop()
	return false
}

func confirmsUser(x *Exchange) bool {
	for range maxRechecks {
		said := x.Whose(x.Session().Held)
		if said.Verdict == login.NotSignedIn && x.tokenRanOut() {
			return true // a recheck decides the same
		}
		if said.Verdict != login.Known || said.Name != x.Session().Identity {
			x.Log.WarnContext(x.R.Context(), "an open stream was cut: the app does not name the session's user any more",
				"setting", "identity", "app", x.Config.App, "user", x.Session().Identity, "status", said.Status, "error", said.Err)
			break
		}
		if len(said.Changes) == 0 && x.checkDue() == gate.NoCheck {
			return true
		}
		if vouched, err := x.vouch(said); vouched || err != nil {
			return err == nil
		}
	}
	x.askBeforeNextUse()
	return false
}

// confirmsStranger asks the app about the stranger's cookies of this answer. These are the session's guest cookies, or
// cookies that are kept nowhere, such as those set beside the page of a failed login.
func confirmsStranger(x *Exchange) bool {
	jar, kept := x.Session().Guest, true
	if x.answered.Len() > 0 && !x.answered.Equal(jar) {
		jar, kept = x.answered, false
	}
	said := x.Probe(jar, upstream.Attachment{})
	x.answered = said.Jar
	nobody := said.Verdict == login.NotSignedIn
	if kept {
		_, err := x.Take(session.ReviewGuest(x.CookiesSet(said.Changes), nobody, false))
		return err == nil && nobody
	}
	return nobody
}

// mayGoOut reports whether a piece of an answer that has begun may be sent. While another request that may raise the
// session is at the app, it waits for a while. After that wait, and whenever a check is due, it asks the app.
func (f *filter) mayGoOut() bool {
	s, v := &f.x.stream, f.x.visit
	if s.cut.Load() {
		return false
	}
	if f.x.carries && f.x.site.Config.Sessions.Remote() {
		// A login at this gateway cuts the stream itself. One at another gateway is seen in the store only.
		if gone, err := f.x.disowned(); gone || err != nil {
			s.Stop()
			return false
		}
	}
	ask := s.stale.Load()
	if v != nil && !v.Raises {
		patience := underway.PagePatience
		if s.impatient {
			patience = 0
		}
		s.impatient = !v.Undisturbed(f.x.R.Context(), patience) || !s.undisturbedElsewhere(patience)
		ask = s.impatient || s.stale.Load()
	}
	if ask {
		return f.confirmed(s.impatient)
	}
	return !s.cut.Load() // the wait may have ended with a cut
}

// confirmed asks the app whose the session is, if the app can be asked.
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

// mayAskMidway reports whether the app can be asked and there is a session to ask about.
func (x *Exchange) mayAskMidway() bool {
	if !x.Config.Logins.Asks() || x.Config.Front != nil || x.Token == "" {
		return false
	}
	return x.State() == gate.Verified && !x.LacksPassword() || x.State() != gate.Verified && (x.carries || x.Suspect)
}

// asksOn reports whether the app has to be asked about every further piece of the answer, as it was about the
// beginning, because the request may sign somebody in later.
func (x *Exchange) asksOn() bool {
	if !x.filter.early || !x.mayAskMidway() {
		return false
	}
	if x.State() != gate.Verified {
		return x.mayHaveSignedIn()
	}
	return x.visit != nil && x.visit.Raises || x.visit == nil && x.Suspect
}

// sendAsked asks the app about the kept piece of such an answer, and sends it.
func (f *filter) sendAsked() error {
	kept := f.waiting.Body.Bytes()
	if len(kept) == 0 {
		return nil
	}
	if !f.confirmed(true) {
		return errSessionEnded
	}
	_, err := f.pass(kept)
	f.waiting.Body.Reset()
	return err
}
