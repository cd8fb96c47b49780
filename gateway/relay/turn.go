package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/session"
)

// addressKey is the key under which the request's path is remembered.
func addressKey(x *Exchange) uint64 {
	return x.site.harmless.Key(x.Session().Identity, x.R.Method, exchange.HostOf(x.R), x.Path.Text)
}

// knowsAddress reports whether a plain load of this path signed nobody in before, and whether the address has no query
// of the client's choice.
func (x *Exchange) knowsAddress() bool { return x.bare() && x.site.harmless.Has(addressKey(x)) }

// noteAddress remembers the path of a request if the app says that it signed nobody in, and if no other was at the app
// at the same time. From then on such a request keeps other requests of the session waiting for a second at most. The
// app is still asked about it, because it may have refused to sign somebody in that day.
func (x *settlement) noteAddress() {
	v := x.visit
	if v == nil || !v.Plain || x.filter.early || !x.bare() {
		return
	}
	if v.HasTurn() {
		x.site.harmless.Add(addressKey(x.Exchange))
	}
	x.noteStatic()
}

// mayRaise reports whether a request of a verified session may sign somebody else in without setting a cookie. A query
// may do so by fields that no login block describes. A path may do so that is not known to be harmless.
func (x *Exchange) mayRaise() bool {
	return x.Session().InPlace && !x.static && (!x.Plain(x.R) || !x.knowsAddress())
}

// besideRaise reports whether the answer may be meant for somebody whom another request of the session is signing in at
// this moment. If so, the app is asked first, as it is for the other request. An answer that comes after that sign-in
// finds its session gone: it is cut, or it is disowned if the other request was at another gateway.
//
// A page load may have signed somebody in itself, so the app is asked about it too, unless the load went without the
// session.
func (x *Exchange) besideRaise() bool {
	if x.State() == gate.Verified && x.Session().InPlace && !x.static {
		x.Suspect = true
	}
	return x.Suspect
}

// isStatic reports whether a request goes to the app without its session, in a session that may be raised. It does if
// the user loads what she got before and a stranger got the same. The request has no query and no header by which the
// app could know somebody.
func isStatic(x *Exchange) bool {
	return (x.Place == gate.Protected || x.Place == gate.Public) && x.Plain(x.R) && x.bare() && x.Authorization == "" && x.R.Header["Authorization"] == nil &&
		x.site.static.Has(addressKey(x), x.Now) && !x.HasMoreHeaders()
}

// prepareVerified attaches the session's cookies to the request, unless the request goes without the session.
func prepareVerified(x *Exchange) {
	if x.static {
		x.Prepare(new(custody.Jar))
		return
	}
	x.Prepare(&x.Session().Held)
}

// strangersCookies drops the cookies of an answer to a request that went without the session, because they are not the
// user's. If there are any, or if strangers get something else by now, the next request to the address goes with the
// session.
func (x *Exchange) strangersCookies(status int, lines []string) []string {
	if !x.static {
		return lines
	}
	if len(lines) > 0 || status >= 300 && status != http.StatusNotModified {
		x.site.static.Remove(addressKey(x))
	}
	return nil
}

// noteStatic looks whether the user's next load of this address can go without the session.
func (x *settlement) noteStatic() {
	header := x.W.Header()
	if len(header["Set-Cookie"]) > 0 || len(x.sorted.Held) > 0 || !upstream.Shareable(header) {
		return
	}
	if x.status != http.StatusOK && x.status != http.StatusNotModified || len(header["Etag"]) == 0 && len(header["Last-Modified"]) == 0 {
		return
	}
	answer, err := x.AskApp(upstream.AsStranger(x.R.Method, x.Target), custody.Jar{}, upstream.Attachment{})
	if err == nil && answer.Status == http.StatusOK && len(answer.Cookies()) == 0 && upstream.Shareable(answer.Headers) && upstream.BelongsToPage(answer.Headers) && upstream.SameContent(header, answer.Headers) {
		x.site.static.Add(addressKey(x.Exchange), x.Now)
	}
}

// settled notes that the answer to a request of a session that may be raised has been decided. Nobody looks at what a
// tunnel carries afterwards.
func (x *Exchange) settled(status int) {
	if x.filter.early && status != http.StatusSwitchingProtocols && !upstream.IsEventStream(x.W.Header()) {
		g, v := x.site, x.visit
		v.Answering(func() {
			g.unmark(context.Background(), v)
			v.Lapse()
		})
		return
	}
	x.site.unmark(x.R.Context(), x.visit)
	x.visit.Answered()
	if status == http.StatusSwitchingProtocols {
		x.visit.Leave()
	}
}

// settledEarly is called after a request. If the answer was settled before it was whole, the app is asked before the
// session's next use, because it may have signed somebody in since.
func (x *Exchange) settledEarly() {
	if !x.filter.early || x.State() != gate.Verified {
		return
	}
	if x.visit.Raises && x.R.Context().Err() != nil {
		x.Raising.Linger(x.Token) // the app may still be at work on the request
	}
	x.askBeforeNextUse()
}

// askBeforeNextUse is unsettle at a time when no answer can be given any more.
func (x *Exchange) askBeforeNextUse() {
	if err := x.unsettle(); err != nil && !errors.Is(err, session.ErrGone) {
		x.StoreFails(err)
		x.Log.ErrorContext(x.R.Context(), "store failed; the identity check could not be asked for",
			"setting", "sessions", "app", x.Config.App, "error", err)
	}
}

// WholeBody is how many bytes of a body are read before a request that may raise a session goes to the app. If the
// client breaks off a shorter body, it never reaches the app; and a client that sends it slowly keeps nobody waiting.
const WholeBody = 256 << 10

// takeTurn makes a request of a session that may be raised wait until it can go to the app. The request counts as being
// at the app until leave is called.
//
// A request that may raise the session goes on to its end even if its client leaves. Otherwise somebody could hang up
// and so escape the question whose the session is.
func (x *Exchange) takeTurn() (leave func(), answer exchange.Answer) {
	token, mayRaise := x.Token, x.mayRaise()
	x.visit = x.Raising.Join(token, mayRaise, x.Plain(x.R))
	x.Carriers.Add(token, &x.stream)
	undo := func() {}
	leave = func() {
		undo()
		x.site.unmark(x.R.Context(), x.visit)
		x.visit.Leave()
		x.Carriers.Remove(token, &x.stream)
	}
	later := false
	if mayRaise {
		takesLater, err := readBody(x)
		var over *http.MaxBytesError
		switch later = takesLater; {
		case errors.As(err, &over):
			return leave, func() error { return err } // a limit that the operator set; its handler has an answer
		case err != nil:
			return leave, x.Left
		}
	}
	if !later {
		waited, alone, err := x.site.awaitTurn(x.R.Context(), x.visit)
		if err != nil && !errors.Is(err, session.ErrGone) {
			return leave, func() error { return x.StoreFailed("wait for other requests of the session", err) }
		}
		if !alone && x.R.Context().Err() == nil {
			x.Log.WarnContext(x.R.Context(), "a request waited long for another one of its session that may sign somebody in, and goes on",
				"setting", "renews", "app", x.Config.App, "path", x.Path.Text)
		}
		if x.visit.Beside {
			waited, alone = true, false
		}
		x.stream.impatient = !alone // its answer does not wait again
		if x.R.Context().Err() != nil {
			return leave, x.Left
		}
		if waited || mayRaise && match.HasBody(x.R) { // its client may have delayed the body for as long as it liked
			if err := lookAgain(x, alone); err != nil {
				return leave, func() error { return x.StoreFailed("load session", err) }
			}
		}
	}
	if x.Session() == nil || x.Raising.Ended(x.Token) {
		x.Forget()
		return leave, x.AskLogin
	}
	if mayRaise && !(x.Plain(x.R) && x.bare()) {
		undo = x.outlive()
	}
	return leave, nil
}

// lookAgain reads the session once more after a wait in which another request may have ended it. If a request that may
// raise the session is still at the app, the app has to be asked whose the session is.
func lookAgain(x *Exchange, alone bool) error {
	data, err := x.Config.Sessions.LoadNow(context.WithoutCancel(x.R.Context()), x.Token)
	if err != nil {
		return err
	}
	x.Now = x.Config.Now()
	if !mayGoOn(data, x.Session().Identity, false) {
		x.Adopt(x.Token, nil)
		return nil
	}
	x.Adopt(x.Token, data)
	if alone {
		return nil
	}
	if err := x.unsettle(); err != nil && !errors.Is(err, session.ErrGone) {
		return err
	}
	return nil
}

// readBody reads up to WholeBody of the request's body. A request with a larger body takes its turn before its last
// bytes go to the app, unless its address has a query. later reports whether it does so.
func readBody(x *Exchange) (later bool, err error) {
	r := x.R
	if !match.HasBody(r) || r.Body == nil || r.Method == http.MethodConnect {
		return false, nil
	}
	read, err := io.ReadAll(io.LimitReader(r.Body, WholeBody+1))
	switch {
	case err != nil:
		return false, err
	case len(read) <= WholeBody:
		r.Body = &replayed{Reader: bytes.NewReader(read), Closer: r.Body}
		return false, nil
	}
	ctx, gateway, visit, identity := r.Context(), x.site, x.visit, x.Session().Identity
	r.Body = &lastly{
		Reader: io.MultiReader(bytes.NewReader(read), r.Body), Closer: r.Body, left: r.ContentLength,
		before: func() error {
			if _, _, err := gateway.awaitTurn(ctx, visit); err != nil {
				return err
			}
			if visit.Raising.Ended(visit.Token) {
				return errSessionEnded
			}
			data, err := gateway.lookNow(ctx, visit.Token)
			if err == nil && (!mayGoOn(data, identity, false) ||
				gateway.checkDue(data, gateway.Config.Now(), gateway.Unresolved.Has(visit.Token)) == gate.CheckEach) {
				err = errSessionEnded
			}
			return err
		},
	}
	if !x.bare() {
		return false, nil // its address may sign somebody in before the body is read
	}
	visit.BeginUpload()
	return true, nil
}

// replayed is a body that was read before.
type replayed struct {
	io.Reader
	io.Closer
}

// lastly is a body that calls the function before, once, before it returns its last bytes or its end.
type lastly struct {
	io.Reader
	io.Closer
	left   int64 // in bytes; negative where the length is not known
	before func() error
	called bool
}

// Read implements io.Reader.
func (l *lastly) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.left > 0 {
		l.left -= int64(n)
	}
	if (l.left == 0 || errors.Is(err, io.EOF)) && !l.called {
		l.called = true
		if err := l.before(); err != nil {
			return 0, err
		}
	}
	return n, err
}

// outlive makes the request go on for a while if its client leaves, until the app has answered. undo restores the
// request for the handler of its error.
func (x *Exchange) outlive() (undo func()) {
	client := x.R
	ctx, cancel := context.WithCancel(context.WithoutCancel(client.Context()))
	stop := context.AfterFunc(client.Context(), func() {
		if x.stream.begun.Load() {
			// The answer was judged, and the app is asked before the session's next use because of what it may do
			// later.
			cancel()
			return
		}
		timer := time.AfterFunc(underway.MayTake, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	x.R = client.WithContext(ctx)
	return func() {
		stop()
		cancel()
		x.R = client
	}
}

// Untold implements exchange.Above. The request counts as under way, at other gateways too, until the app has been
// asked.
func (x *Exchange) Untold() {
	x.Unresolved.Note(x.Token, x.Now)
	x.Carriers.Doubt(x.Token)
	if x.visit != nil {
		x.visit.Marked.Store(false) // so that nobody takes the mark back
	}
}
