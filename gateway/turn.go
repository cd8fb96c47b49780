package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/session"
)

// wholeBody is how much of a request's body is read before the request goes on that may raise a session, in bytes. What
// a client breaks off within that never reaches the app, and a client that is slow keeps nobody waiting.
const wholeBody = 256 << 10

// takeTurn has a request of a session that may be raised wait until it can go to the app, and notes that it is there
// until leave is called. It reports whether the request was answered.
//
// A request that may raise the session is seen to its end, also where its client leaves: by a hang-up nobody escapes
// the question whose the session is now.
func (x *passage) takeTurn() (leave func(), answered bool, err error) {
	token, mayRaise := x.Token, x.mayRaise()
	x.visit = x.Raising.Join(token, mayRaise, x.Plain())
	x.Carriers.Add(token, &x.stream)
	undo := func() {}
	leave = func() {
		undo()
		x.unmark(x.R.Context(), x.visit)
		x.visit.Leave()
		x.Carriers.Remove(token, &x.stream)
	}
	later := false
	if mayRaise {
		var over *http.MaxBytesError
		switch later, err = x.readBody(); {
		case errors.As(err, &over):
			return leave, true, err // a limit that the operator set, whose handler has an answer
		case err != nil:
			return leave, true, x.Left()
		}
	}
	if !later {
		waited, alone, err := x.awaitTurn(x.R.Context(), x.visit)
		if err != nil && !errors.Is(err, session.ErrGone) {
			return leave, true, x.StoreFailed("wait for other requests of the session", err)
		}
		if !alone && x.R.Context().Err() == nil {
			x.Log.WarnContext(x.R.Context(), "a request waited long for another one of its session that may sign somebody in, and goes on",
				"setting", "renews", "app", x.Config.App, "path", x.Path.Text)
		}
		if x.visit.Beside {
			waited, alone = true, false
		}
		x.stream.impatient = !alone // what comes of it has waited, too
		if x.R.Context().Err() != nil {
			return leave, true, x.Left()
		}
		if waited {
			if err := x.lookAgain(alone); err != nil {
				return leave, true, x.StoreFailed("load session", err)
			}
		}
	}
	if x.Data == nil || x.Raising.Ended(x.Token) {
		x.Token, x.Data = "", nil
		return leave, true, x.AskLogin()
	}
	if mayRaise && !(x.Plain() && x.bare()) {
		undo = x.outlive()
	}
	return leave, false, nil
}

// lookAgain reads the session once more, after a wait in which another request may have ended it. Where a request is at
// the app still that may raise it, the app is asked whose the session is.
func (x *passage) lookAgain(alone bool) error {
	data, err := x.Config.Sessions.LoadNow(context.WithoutCancel(x.R.Context()), x.Token)
	if err != nil {
		return err
	}
	x.Now = x.Config.Now()
	if data == nil || !mayGoOn(data, x.Data.Identity) {
		x.Data = nil
		return nil
	}
	x.Data = data
	if alone {
		return nil
	}
	if err := x.unsettle(nil); err != nil && !errors.Is(err, session.ErrGone) {
		return err
	}
	return nil
}

// readBody reads the request's body before it goes on. One that is larger than that takes its turn with its last bytes,
// unless its address has a query; later reports that it does.
func (x *passage) readBody() (later bool, err error) {
	r := x.R
	if !match.HasBody(r) || r.Body == nil || r.Method == http.MethodConnect {
		return false, nil
	}
	read, err := io.ReadAll(io.LimitReader(r.Body, wholeBody+1))
	switch {
	case err != nil:
		return false, err
	case len(read) <= wholeBody:
		r.Body = &replayed{Reader: bytes.NewReader(read), Closer: r.Body}
		return false, nil
	}
	ctx, gateway, visit := r.Context(), x.Gateway, x.visit
	r.Body = &lastly{
		Reader: io.MultiReader(bytes.NewReader(read), r.Body), Closer: r.Body, left: r.ContentLength,
		before: func() error {
			if _, _, err := gateway.awaitTurn(ctx, visit); err != nil {
				return err
			}
			if visit.Raising.Ended(visit.Token) {
				return errSessionEnded
			}
			return nil
		},
	}
	if !x.bare() {
		return false, nil // by its address it may sign somebody in before it is read
	}
	visit.BeginUpload()
	return true, nil
}

// replayed is a body that was read before.
type replayed struct {
	io.Reader
	io.Closer
}

// lastly is a body that calls before, once, before it gives its last bytes away, or its end.
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

// outlive has the request go on for a while where its client leaves, until the app has answered. What handles an error
// of it gets the request as it was: undo puts it back.
func (x *passage) outlive() (undo func()) {
	client := x.R
	ctx, cancel := context.WithCancel(context.WithoutCancel(client.Context()))
	stop := context.AfterFunc(client.Context(), func() {
		if x.stream.begun.Load() {
			// The answer was judged, and what the app does after that is asked about before the session's next use.
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
