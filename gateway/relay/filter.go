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

// errReplaced stops the copying of an upstream response that the gateway replaced.
var errReplaced = errors.New("the answer was replaced by the gateway")

// errUnjudged is returned to a handler that takes a connection over before it has answered. Nobody would judge what the
// handler writes there.
var errUnjudged = errors.New("a connection cannot be taken over before the answer to its handshake was written")

// filter stands between the app's answer and the browser. It looks at headers only: bodies, events and tunnels pass
// through it unbuffered. The exception is the rare answer that changes a held cookie and has to wait until the app has
// said whose the session is.
//
// It overrides every way in which bytes can leave, because a promoted method would bypass it. The headers of an answer
// that goes on leave by begin, and its body by send, since a page may get a link on its way.
type filter struct {
	x    *Exchange
	mode filterMode
	// undecided: an answer that waits is not settled yet.
	undecided bool
	// early: it was settled before it was whole.
	early bool
	// unseen: the answer is not known to be the app's, or not known to be all of its headers.
	unseen bool
	// waiting is the beginning of an answer that is not decided yet.
	waiting *upstream.Withheld
	// settling decides what becomes of the answer.
	settling settlement
	// own are the cookies that were set before the request went on: the gateway's, and those of outer handlers.
	own []string
	// lines are the cookies that an undecided answer sets.
	lines []string
	// meanwhile keeps what comes of an answer while the app is asked whose it is; nil otherwise.
	meanwhile *meanwhile
	// referrer is the request's Referer header.
	referrer []string
	// insertion is set for a page load whose page gets something inserted, and rewriter inserts it. Both are nil
	// otherwise.
	insertion *insertion
	rewriter  *inject.Rewriter
}

type filterMode uint8

const (
	// notStarted: no final status was written yet.
	notStarted filterMode = iota
	// passing: the headers were clean, or cleaned; the body goes through.
	passing
	// holding: the answer waits, until it is whole or large, for the app to say who is signed in.
	holding
	// asking: the beginning is on its way, and the app is asked about each further piece before it goes out.
	asking
	// replaced: the browser got another answer; what the app still sends is discarded.
	replaced
)

// HoldLimit is how many bytes of a waiting answer are kept before the app is asked. An app with one worker, or one that
// locks its sessions as PHP does, cannot say who is signed in before it has got rid of this answer.
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
		// Browsers differ in whether they take a cookie from early hints, so a cookie is removed from them (P2). If
		// what follows may be a sign-in, no hints go out at all: nobody has judged that answer yet, and any header may
		// give it away.
		if f.x.State() == gate.Verified && !f.x.Suspect && !f.x.Session().InPlace {
			upstream.StripCookies(h)
			f.x.W.WriteHeader(status)
		}
		return
	}
	f.mode = passing
	if f.x.R.Context().Err() != nil {
		// The client has left, and the handler that carries requests to the app says so in an answer of its own.
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
		// It is settled when it is whole or large, because more is known of it then.
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
		// The head of an event stream says that it has begun, and the first event may come only in an hour.
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
		_, _ = f.pass(waiting.Body.Bytes()) // it came before the app was asked
	}
	if f.x.asksOn() {
		f.mode, f.waiting = asking, new(upstream.Withheld)
	}
}

// release writes the headers of an answer that may go out, with the cookies that the browser may have.
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

// send writes a piece of the app's body, if it may go out.
func (f *filter) send(p []byte) (int, error) {
	if !f.mayGoOut() {
		return 0, errSessionEnded
	}
	return f.pass(p)
}

// pass writes a piece after it is known whose it is.
func (f *filter) pass(p []byte) (int, error) {
	f.x.stream.sent()
	if f.rewriter != nil {
		return f.rewriter.Write(p)
	}
	return f.x.W.Write(p)
}

// sendHeld writes what the rewriter keeps back for the next piece.
func (f *filter) sendHeld() error {
	if f.rewriter != nil {
		return f.rewriter.Flush()
	}
	return nil
}

// replace drops the app's answer and writes another one in its place.
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

// FlushError implements what http.ResponseController looks for. A flush means that the browser is to see the answer
// now, so an answer that waits is decided now.
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

// Hijack implements http.Hijacker. A WebSocket takes the connection over after its handshake was answered, unless the
// gateway replaced that answer.
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

// run sends a request through the rest of the route with the filter in between. When it returns, nothing waits any more
// and no trailer carries a cookie (P2).
func (f *filter) run(next upstream.Handler, r *http.Request) (err error) {
	h := f.x.W.Header()
	f.own = h["Set-Cookie"]
	delete(h, "Set-Cookie")
	defer func() {
		if f.mode == replaced {
			// The copying was stopped on purpose, and reverse proxies report that with this panic.
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
			f.x.unseen() // it panicked, as reverse proxies do if their client or app breaks off
		}
	}()
	err = next(f, r)
	returned = true
	f.handlerReturned()
	if failed := f.join(); failed != nil && !errors.Is(failed, errReplaced) && !f.x.stream.cut.Load() {
		panic(http.ErrAbortHandler) // as a handler does that copies an answer and cannot write it
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
	// This is the end of a document. Whether it can still be written does not matter by now.
	if f.rewriter != nil && err == nil {
		_ = f.rewriter.Close()
	}
	_ = f.sendHeld()
	return err
}

// ended handles a request whose session ended while the request was under way. If nothing was answered yet, it is
// answered like a stranger's. An answer that has begun breaks off, in a way that no client takes for its end.
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
