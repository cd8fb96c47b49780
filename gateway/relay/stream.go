package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/session"
)

// An answer must not outlive the session that it was requested with. A stream is cut within five seconds after the
// store last confirmed its session. It looks each second, and a look takes a second at most. If the store does not
// answer, the stream is cut when the last confirmation is three seconds old (P6). So a session can be ended at another
// node through the store alone.
const (
	LookEvery    = time.Second
	lookTimeout  = time.Second
	believeStore = 3 * time.Second
	// interruptEvery is how often the writes of a handler that has to end are made to fail.
	interruptEvery = 100 * time.Millisecond
)

// longUpload is the length of a request's body, in bytes, from which on its sending counts as use of the session.
const longUpload = 1 << 20

// errSessionEnded stops whatever is under way for a session that has ended.
var errSessionEnded = errors.New("the session ended")

// stream watches the session of one request while the request, or the tunnel that it opened, is under way. Most
// requests end before the first look. The timer's goroutine uses no other part of the exchange.
type stream struct {
	site *Site
	w    http.ResponseWriter
	// midway asks the app whose the session is; nil if the app was not asked so far, or cannot be.
	midway *midway
	// confirmed is when the store last said that the session is alive. It belongs to the goroutine that looks.
	confirmed time.Time

	// cut: nothing may be sent any more. begun: the answer's headers were written. used: the browser has used the
	// stream since the last look. stale: the app has to be asked whose the session is.
	cut, begun, used, stale atomic.Bool

	mutex    sync.Mutex
	token    string
	identity string
	watcher  *watcher // nil if nothing is watched
	ending   underway.Ending
	tunnel   *tunnel
	stranger bool // it carries the cookies of a session in which nobody is signed in
	inPlace  bool // the app may sign somebody else in under the cookies that it carries
	over     bool
	returned bool // the handler has returned
	// oneWay: the answer is a stream of events. It does not count as use of the session, because an app sends events
	// even if nobody is there. impatient: the stream has waited for a request that is still at the app. Both belong to
	// the handler's goroutine.
	oneWay, impatient bool
}

// watcher is a timer that looks after one stream at a time.
type watcher struct {
	timer  *time.Timer
	stream *stream
}

// watchers holds the idle watchers for reuse, because a new timer for each request would cost more than the watch.
type watchers struct{ idle sync.Pool }

// begin is called with the stream's mutex held.
func (w *watchers) begin(s *stream) {
	if idle, ok := w.idle.Get().(*watcher); ok {
		s.watcher, idle.stream = idle, s
		idle.timer.Reset(LookEvery)
		return
	}
	fresh := &watcher{stream: s}
	s.watcher = fresh
	fresh.timer = time.AfterFunc(LookEvery, func() { fresh.stream.look() })
}

// end is called with the stream's mutex held. A watcher that is looking at this moment is not reused.
func (w *watchers) end(s *stream) {
	if s.watcher.timer.Stop() {
		s.watcher.stream = nil
		w.idle.Put(s.watcher)
	}
}

// watch begins to watch the session. It returns the request to go on with, whose context ends with the session.
func (s *stream) watch(x *Exchange) *http.Request {
	s.begin(x)
	r := x.R.WithContext(&s.ending)
	if r.ContentLength < 0 || r.ContentLength > longUpload {
		r.Body = &upload{r.Body, s}
	}
	return r
}

// begin is watch for a request that was forwarded before there was a session.
func (s *stream) begin(x *Exchange) {
	s.ending.Context = x.R.Context()
	s.mutex.Lock()
	s.site, s.w, s.confirmed = x.site, x.W, x.Now
	s.token, s.identity, s.stranger, s.inPlace = x.Token, x.Session().Identity, x.State() != gate.Verified, x.Session().InPlace
	if !s.over { // it may have been cut before it began
		s.site.watchers.begin(s)
	}
	s.mutex.Unlock()
}

// follow makes the stream watch another token and identity from now on.
func (s *stream) follow(token, identity string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.token, s.identity, s.stranger = token, identity, false
}

// Follow implements exchange.Above.
func (x *Exchange) Follow(token, identity string) { x.stream.follow(token, identity) }

// Begun implements exchange.Above.
func (x *Exchange) Begun() bool { return x.filter.mode != notStarted }

// Carrier implements exchange.Above.
func (x *Exchange) Carrier() underway.Carrier { return &x.stream }

// Release implements exchange.Above.
func (x *Exchange) Release() { x.stream.release() }

// end is called when the handler has returned. A tunnel may outlast the handler, and is watched until it is closed.
func (s *stream) end() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.returned = true
	if s.watcher != nil && s.tunnel == nil {
		s.finish()
	}
}

// release ends the watch and nothing else, because what is still to be sent is the answer to a sign-out.
func (s *stream) release() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.watcher != nil && !s.over {
		s.over = true
		s.site.watchers.end(s)
	}
}

// finish is called with the mutex held.
func (s *stream) finish() {
	if !s.over {
		s.over = true
		s.site.watchers.end(s)
	}
	s.ending.End(context.Canceled)
}

// look asks the store whether the session is still what it was when the stream began.
func (s *stream) look() {
	s.mutex.Lock()
	token, identity, stranger := s.token, s.identity, s.stranger
	s.mutex.Unlock()
	sessions := s.site.Config.Sessions
	data, err := s.site.lookNow(context.Background(), token)
	now := s.site.Config.Now()
	may := err == nil && mayGoOn(data, identity, stranger)
	if !gate.KeepsOpen(err == nil, may, now, s.confirmed, believeStore) {
		s.Stop()
		return
	}
	if may {
		s.confirmed = now
		if !stranger && s.site.checkDue(data, now, false) != gate.NoCheck {
			s.stale.Store(true)
		}
		if s.used.Swap(false) && sessions.NeedsTouch(data, now) {
			// If this fails, the next look finds out.
			_ = sessions.Touch(context.Background(), token, now)
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.over {
		s.watcher.timer.Reset(LookEvery)
	}
}

// mayGoOn reports whether what was begun for an identity, or for a stranger, may go on in the session as it is now.
// data is nil if the session has ended.
func mayGoOn(data *session.Data, identity string, stranger bool) bool {
	return data != nil && (stranger || gate.MayGoOn(data.State, data.Identity, identity))
}

// Doubt implements underway.Carrier.
func (s *stream) Doubt() { s.stale.Store(true) }

// Stop implements underway.Carrier. It cuts the stream: nothing more is written, the request to the app is cancelled,
// and a write that waits for a slow client fails.
func (s *stream) Stop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.over {
		return
	}
	s.over = true
	s.cut.Store(true)
	// Without a site the request has not begun yet, and nothing of it is open.
	if s.site != nil && s.site.Config.StreamCut != nil && (s.tunnel != nil || s.begun.Load()) {
		s.site.Config.StreamCut()
	}
	s.ending.End(errSessionEnded)
	if s.tunnel != nil {
		_ = s.tunnel.Conn.Close()
	} else if s.begun.Load() {
		s.interrupt()
	}
}

// interrupt makes a write fail that waits for a client. It repeats this until the handler has returned, because a write
// that begins at this moment may still extend the deadline. It is called with the mutex held.
//
// It uses the innermost writer, the server's own, because only that one may be used from a goroutine other than the
// handler's. The writers that wrap it may not (Caddy's has a deadline for idle clients).
func (s *stream) interrupt() {
	if s.returned {
		return
	}
	_ = http.NewResponseController(innermost(s.w)).SetWriteDeadline(time.Unix(1, 0))
	time.AfterFunc(interruptEvery, func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.interrupt()
	})
}

// innermost returns the writer that wraps no other.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// sent notes that a piece of an answer went to the browser.
func (s *stream) sent() {
	if !s.oneWay {
		s.used.Store(true)
	}
}

// upload is the body of a request that takes long.
type upload struct {
	io.ReadCloser
	stream *stream
}

// Read notes that the browser has used the session. It fails with errSessionEnded after the session has ended.
func (u *upload) Read(p []byte) (int, error) {
	if u.stream.cut.Load() {
		return 0, errSessionEnded
	}
	n, err := u.ReadCloser.Read(p)
	if n > 0 {
		u.stream.used.Store(true)
	}
	return n, err
}
