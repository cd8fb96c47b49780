package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"sallyport.example/sallyport/login"
)

// errTooLarge is returned for an answer that had to be read whole and was larger than answerLimit.
var errTooLarge = errors.New("the app's answer is too large to be judged")

// errBroken is returned where the app broke off in the middle of an answer that had to be read whole.
var errBroken = errors.New("the app broke off in the middle of its answer")

// answerLimit bounds what is kept of an answer, in bytes, before it is decided what becomes of it.
const answerLimit = login.AnswerLimit

// withheld is an answer of the app that the browser does not see before it is judged. It has a header map of its own,
// so that nothing of it can slip out with another answer (P2); early hints are dropped, and it cannot be hijacked or
// flushed.
type withheld struct {
	header http.Header
	status int
	body   bytes.Buffer
	full   bool
}

func (a *withheld) Header() http.Header { return a.header }

func (a *withheld) WriteHeader(status int) {
	if a.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
}

func (a *withheld) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len()+len(p) > answerLimit {
		a.full = true
		return 0, errTooLarge
	}
	return a.body.Write(p)
}

// capture runs the rest of the route and keeps the whole of its answer.
func capture(next Handler, r *http.Request) (answer *withheld, err error) {
	answer = &withheld{header: make(http.Header)}
	defer func() {
		// Reverse proxies end a broken stream with this panic, to break off the client's as well. Here nothing was sent
		// yet.
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // the very value is the convention
			err = errBroken
			if answer.full {
				err = errTooLarge
			}
		} else if p != nil {
			panic(p)
		}
	}()
	if err := next(answer, r); err != nil {
		return nil, err
	}
	if answer.full {
		return nil, errTooLarge
	}
	answer.WriteHeader(http.StatusOK)
	if answer.status == http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("%w: it switched protocols in answer to a login", errBroken)
	}
	return answer, nil
}

// captureWithin is capture that ends with the request's context, also where the rest of the route does not: Caddy's
// FastCGI looks at it only before it has connected.
func captureWithin(next Handler, r *http.Request) (*withheld, error) {
	type captured struct {
		answer   *withheld
		err      error
		panicked any
	}
	came := make(chan captured, 1)
	go func() {
		var c captured
		defer func() {
			c.panicked = recover()
			came <- c
		}()
		c.answer, c.err = capture(next, r)
	}()
	select {
	case c := <-came:
		if c.panicked != nil {
			panic(c.panicked)
		}
		return c.answer, c.err
	case <-r.Context().Done():
		return nil, fmt.Errorf("%w: %w", errBroken, r.Context().Err())
	}
}

// cookies takes the raw Set-Cookie lines out of the answer, wherever they stand.
func (a *withheld) cookies() []string {
	lines := a.header["Set-Cookie"]
	stripCookies(a.header)
	return lines
}

// judged is the answer in the form in which package login looks at it.
func (a *withheld) judged(lines []string) (login.Answer, error) {
	body, err := login.DecodeBody(a.header, a.body.Bytes(), answerLimit)
	return login.Answer{Status: a.status, Header: a.header, Body: body, SetCookies: lines}, err
}

// send gives the answer to the browser after all, with the cookies that it may have.
func (a *withheld) send(w http.ResponseWriter, r *http.Request, cookies []string) error {
	h := w.Header()
	own := h["Set-Cookie"]
	for name, values := range a.header {
		h[name] = values
	}
	stripCookies(h)
	if lines := append(own[:len(own):len(own)], cookies...); len(lines) > 0 {
		h["Set-Cookie"] = lines
	}
	delete(h, "Trailer")
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead || a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return nil
	}
	_, err := w.Write(a.body.Bytes())
	return err
}
