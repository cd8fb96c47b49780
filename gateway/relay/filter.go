package relay

import (
	"bufio"
	"errors"
	"net"
	"net/http"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/inject"
)

// errReplaced ends the copying of an answer in whose place the browser got another one.
var errReplaced = errors.New("the answer was replaced by the gateway")

// errUnjudged is returned to a handler that takes a connection over before it has answered: nobody would judge what it
// writes there.
var errUnjudged = errors.New("a connection cannot be taken over before the answer to its handshake was written")

// filter stands between the app's answer and the browser. It looks at headers only: bodies, events and tunnels pass
// through it unbuffered, except for the rare answer that changes a held cookie and has to wait for the app's own word.
//
// It overrides every way in which bytes can leave, for a promoted method would go around it. Headers of
// an answer that goes on leave by begin, and its body by send, since a page may get a link on its way.
type filter struct {
	x    *Exchange
	mode filterMode
	// undecided: an answer that waits was not settled yet.
	undecided bool
	// early: it was settled before it was whole.
	early bool
	// unseen: the answer is not known to be the app's, or not known to be all of its headers.
	unseen bool
	// waiting is the beginning of an answer that is not decided yet.
	waiting *upstream.Withheld
	// settling decides what becomes of it.
	settling settlement
	// own are the cookies that were set before the request went on: the gateway's, and those of outer handlers.
	own []string
	// lines are the cookies that an undecided answer sets.
	lines []string
	// meanwhile takes what comes of an answer while the app is asked whose it is; nil in all others.
	meanwhile *meanwhile
	// referrer is where the request says that it comes from.
	referrer []string
	// insertion is for a page load, whose page is to get something put in; rewriter does it. Nil for all else.
	insertion *insertion
	rewriter  *inject.Rewriter
}

type filterMode uint8

const (
	// notStarted: no final status was written yet.
	notStarted filterMode = iota
	// passing: the headers were clean, or cleaned; the body goes through.
	passing
	// holding: the answer waits, until it is whole or large, for the app's word on who is signed in.
	holding
	// asking: the beginning went on its way, and each further piece waits for the app's word.
	asking
	// replaced: the browser got another answer; what the app still sends is thrown away.
	replaced
)

// HoldLimit is how much of an answer that waits is kept, in bytes. An app with one worker, or one that locks its
// sessions as PHP does, cannot answer the question who is signed in before it has got rid of this answer.
const HoldLimit = 256 << 10

func (f *filter) Header() http.Header {
	if m := f.meanwhile; m != nil && !m.isOver() {
		return m.behind
	}
	_ = f.join()
	if f.mode == replaced {
		return make(http.Header)
	}
	return f.x.W.Header()
}

func (f *filter) WriteHeader(status int) {
	if f.meanwhile != nil || f.mode != notStarted || f.x.stream.cut.Load() {
		return
	}
	h := f.x.W.Header()
	if status < 200 && status != http.StatusSwitchingProtocols {
		// Early hints cannot carry a cookie that counts; browsers differ in whether they take it (P2). Where what
		// follows may be a sign-in there are none: nobody has judged it yet, and any header may give it away.
		if f.x.State() == gate.Verified && !f.x.Suspect && !f.x.Session().InPlace {
			upstream.StripCookies(h)
			f.x.W.WriteHeader(status)
		}
		return
	}
	f.mode = passing
	if f.x.R.Context().Err() != nil {
		// The client has left, and whoever carries requests to the app says so in its own words.
		f.unseen = true
	}
	if h["Trailer"] != nil {
		upstream.WithoutCookieTrailers(h)
	}
	lines := h["Set-Cookie"]
	if lines != nil || f.own != nil {
		upstream.StripCookies(h)
		h["Set-Cookie"] = f.own
	}
	lines = f.x.strangersCookies(status, lines)
	switch {
	case f.x.carries || f.x.besideRaise():
		// It is settled when it is whole, or large: by then more is known of it.
		f.undecided, f.lines = true, lines
	case len(lines) == 0 && f.x.Place != gate.Logout:
		f.begin(status)
		return
	default:
		if r := f.settle(status, lines); r.decided() {
			f.carryOut(status, r)
			return
		}
	}
	f.mode = holding
	f.waiting = &upstream.Withheld{Status: status}
	switch {
	case status == http.StatusSwitchingProtocols:
		f.decide()
	case upstream.IsEventStream(h):
		// Its head says that it has begun, and the first event may come in an hour.
		f.early = true
		f.decide()
	}
}

// decide asks who is signed in and lets the answer go, or puts another one in its place.
func (f *filter) decide() {
	waiting := f.waiting
	f.mode, f.waiting = passing, nil
	disowned, err := f.x.disowned()
	switch {
	case err != nil:
		f.replace(func() error { return f.x.StoreFailed("load session", err) })
	case disowned:
		f.x.Forget()
		f.replace(f.x.AskLogin)
	default:
		f.carryOut(waiting.Status, f.decided(waiting.Status))
	}
	if f.x.visit != nil {
		f.x.settled(waiting.Status)
	}
	if f.mode != passing {
		return
	}
	if waiting.Body.Len() > 0 && !f.x.stream.cut.Load() {
		_, _ = f.pass(waiting.Body.Bytes()) // it was there before the app was asked
	}
	if f.x.asksOn() {
		f.mode, f.waiting = asking, new(upstream.Withheld)
	}
}

// release writes the headers of an answer that may go, with the cookies that the browser may have.
func (f *filter) release(status int, cookies []string) {
	if len(cookies) > 0 {
		h := f.x.W.Header()
		h["Set-Cookie"] = append(h["Set-Cookie"], cookies...)
	}
	f.begin(status)
}

// begin writes the headers of the app's own answer.
func (f *filter) begin(status int) {
	if f.insertion != nil {
		f.rewriter = f.insertion.into(f.x.W, status, f.x.State())
	}
	f.x.stream.oneWay = upstream.IsEventStream(f.x.W.Header())
	f.x.stream.begun.Store(true)
	if !f.endForm(status) {
		f.x.W.WriteHeader(status)
	}
}

// send writes a piece of its body.
func (f *filter) send(p []byte) (int, error) {
	if !f.mayGoOut() {
		return 0, errSessionEnded
	}
	return f.pass(p)
}

// pass writes a piece of which it is known whose it is.
func (f *filter) pass(p []byte) (int, error) {
	f.x.stream.sent()
	if f.rewriter != nil {
		return f.rewriter.Write(p)
	}
	return f.x.W.Write(p)
}

// sendHeld writes what waits for the next piece.
func (f *filter) sendHeld() error {
	if f.rewriter != nil {
		return f.rewriter.Flush()
	}
	return nil
}

// replace writes another answer by way of answer, and drops the app's own.
func (f *filter) replace(answer exchange.Answer) {
	h := f.x.W.Header()
	own := h["Set-Cookie"]
	clear(h)
	if own != nil {
		h["Set-Cookie"] = own
	}
	exchange.ForgetPages(&f.x.Exchange.Exchange.Exchange)
	f.mode = replaced
	if err := answer(); err != nil {
		f.x.Log.DebugContext(f.x.R.Context(), "answer not written", "error", err)
	}
	_ = http.NewResponseController(f.x.W).Flush()
}

func (f *filter) Write(p []byte) (int, error) {
	if f.meanwhile == nil && f.mode == notStarted {
		f.WriteHeader(http.StatusOK)
	}
	if f.x.stream.cut.Load() {
		return 0, errSessionEnded
	}
	if f.meanwhile == nil && f.mode == holding {
		if f.waiting.Body.Len()+len(p) <= HoldLimit {
			return f.waiting.Body.Write(p)
		}
		f.decideMeanwhile()
	}
	if f.meanwhile != nil {
		if f.meanwhile.add(p) {
			return len(p), nil
		}
		if err := f.join(); err != nil {
			return 0, err
		}
	}
	return f.writeDecided(p)
}

// Flush implements http.Flusher for those who do not use a ResponseController.
func (f *filter) Flush() { _ = f.FlushError() }

// FlushError implements what http.ResponseController looks for. An answer that is flushed wants to be seen now, so that
// one that waits is decided now.
func (f *filter) FlushError() error {
	if f.meanwhile == nil && f.mode == notStarted {
		f.WriteHeader(http.StatusOK)
	}
	if f.x.stream.cut.Load() {
		return errSessionEnded
	}
	if f.meanwhile == nil && f.mode == holding {
		f.decideMeanwhile()
	}
	if f.meanwhile != nil {
		if f.meanwhile.wantsFlush() {
			return nil
		}
		if err := f.join(); err != nil {
			return err
		}
	}
	return f.flushDecided()
}

// Hijack implements http.Hijacker: a WebSocket takes the connection over once its handshake was answered, unless
// another answer took the place of that.
func (f *filter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := f.join(); err != nil {
		return nil, nil, err
	}
	switch f.mode {
	case notStarted:
		return nil, nil, errUnjudged
	case holding, asking, replaced:
		return nil, nil, errReplaced
	}
	if err := f.sendHeld(); err != nil {
		return nil, nil, err
	}
	conn, buffered, err := http.NewResponseController(f.x.W).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if f.x.mayAskMidway() {
		f.x.stream.midway = f.x.startMidway()
	}
	if conn, err = f.x.stream.carry(conn, f.x.Suspect || f.x.visit != nil && f.x.visit.Raises); err != nil {
		return nil, nil, err
	}
	return conn, buffered, nil
}

// run sends a request through the rest of the route with the filter in between. Afterwards nothing waits any more, and
// no trailer carries a cookie (P2).
func (f *filter) run(next upstream.Handler, r *http.Request) (err error) {
	h := f.x.W.Header()
	f.own = h["Set-Cookie"]
	delete(h, "Set-Cookie")
	defer func() {
		if f.mode == replaced {
			// The copying was broken off on purpose, and reverse proxies say so with this panic.
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the very value is the convention
				panic(p)
			}
			err = nil
		}
	}()
	returned := false
	defer func() {
		if !returned {
			f.handlerReturned()
			_ = f.join()
		}
		if !returned && (f.mode == notStarted || f.mode == holding) {
			f.x.unseen() // it panicked, as reverse proxies do whose client or app breaks off
		}
	}()
	err = next(f, r)
	returned = true
	f.handlerReturned()
	if failed := f.join(); failed != nil && !errors.Is(failed, errReplaced) && !f.x.stream.cut.Load() {
		panic(http.ErrAbortHandler) // as whoever copies an answer does that cannot be written
	}
	if f.x.stream.cut.Load() {
		return f.ended()
	}
	if err != nil && f.mode == notStarted {
		f.x.unseen()
		upstream.StripCookies(h)
		if f.own != nil {
			h["Set-Cookie"] = f.own
		}
		return err
	}
	if f.unseen {
		f.x.unseen()
	}
	switch f.mode {
	case notStarted:
		f.WriteHeader(http.StatusOK)
		if f.mode == holding {
			f.decide()
		}
	case holding:
		f.decide()
	case passing:
		upstream.StripCookies(h)
	case asking:
		upstream.StripCookies(h)
		if errors.Is(f.sendAsked(), errSessionEnded) {
			return f.ended()
		}
	}
	// Whether the end of a document can still be written is nobody's concern by now.
	if f.rewriter != nil && err == nil {
		_ = f.rewriter.Close()
	}
	_ = f.sendHeld()
	return err
}

// ended is for a request whose session ended while it was under way. What was not answered is answered as a stranger's
// would be; what was begun breaks off in a way that no client takes for the end.
func (f *filter) ended() error {
	switch {
	case f.mode == replaced || f.x.stream.tunnel != nil:
		return nil
	case f.x.stream.begun.Load():
		panic(http.ErrAbortHandler)
	}
	clear(f.x.W.Header())
	f.mode = replaced
	f.x.Forget()
	return f.x.AskLogin()
}
