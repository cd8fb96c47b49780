package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"sallyport.example/sallyport/login"
)

// IsTimeout reports whether nobody answered in time.
func IsTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// ErrTooLarge is returned for an answer that had to be read whole and was larger than answerLimit.
var ErrTooLarge = errors.New("the app's answer is too large to be judged")

// ErrBroken is returned where the app broke off in the middle of an answer that had to be read whole.
var ErrBroken = errors.New("the app broke off in the middle of its answer")

// answerLimit bounds what is kept of an answer, in bytes, before it is decided what becomes of it.
const answerLimit = login.AnswerLimit

// Withheld is an answer of the app that the browser does not see before it is judged. It has a header map of its own,
// so that nothing of it can slip out with another answer (P2); early hints are dropped, and it cannot be hijacked or
// flushed.
type Withheld struct {
	Headers http.Header
	Status  int
	Body    bytes.Buffer
	full    bool
}

// Header implements http.ResponseWriter.
func (a *Withheld) Header() http.Header { return a.Headers }

// WriteHeader implements http.ResponseWriter.
func (a *Withheld) WriteHeader(status int) {
	if a.Status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		a.Status = status
	}
}

// Write implements http.ResponseWriter.
func (a *Withheld) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.Body.Len()+len(p) > answerLimit {
		a.full = true
		return 0, ErrTooLarge
	}
	return a.Body.Write(p)
}

// Capture runs the rest of the route and keeps the whole of its answer.
func Capture(next Handler, r *http.Request) (answer *Withheld, err error) {
	answer = &Withheld{Headers: make(http.Header)}
	defer func() {
		// Reverse proxies end a broken stream with this panic, to break off the client's as well. Here nothing was sent
		// yet.
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // the very value is the convention
			err = ErrBroken
			if answer.full {
				err = ErrTooLarge
			}
		} else if p != nil {
			panic(p)
		}
	}()
	if err := next(answer, r); err != nil {
		return nil, err
	}
	if answer.full {
		return nil, ErrTooLarge
	}
	answer.WriteHeader(http.StatusOK)
	if answer.Status == http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("%w: it switched protocols in answer to a login", ErrBroken)
	}
	return answer, nil
}

// captureWithin is capture that ends with the request's context, also where the rest of the route does not: Caddy's
// FastCGI looks at it only before it has connected.
func captureWithin(next Handler, r *http.Request) (*Withheld, error) {
	type captured struct {
		answer   *Withheld
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
		c.answer, c.err = Capture(next, r)
	}()
	select {
	case c := <-came:
		if c.panicked != nil {
			panic(c.panicked)
		}
		return c.answer, c.err
	case <-r.Context().Done():
		return nil, fmt.Errorf("%w: %w", ErrBroken, r.Context().Err())
	}
}

// Cookies takes the raw Set-Cookie lines out of the answer, wherever they stand.
func (a *Withheld) Cookies() []string {
	lines := a.Headers["Set-Cookie"]
	StripCookies(a.Headers)
	return lines
}

// Judged is the answer in the form in which package login looks at it.
func (a *Withheld) Judged(lines []string) (login.Answer, error) {
	body, err := login.DecodeBody(a.Headers, a.Body.Bytes(), answerLimit)
	return login.Answer{Status: a.Status, Header: a.Headers, Body: body, SetCookies: lines}, err
}

// Send gives the answer to the browser after all, with the cookies that it may have.
func (a *Withheld) Send(w http.ResponseWriter, r *http.Request, cookies []string) error {
	h := w.Header()
	own := h["Set-Cookie"]
	for name, values := range a.Headers {
		h[name] = values
	}
	StripCookies(h)
	if lines := append(own[:len(own):len(own)], cookies...); len(lines) > 0 {
		h["Set-Cookie"] = lines
	}
	delete(h, "Trailer")
	w.WriteHeader(a.Status)
	if r.Method == http.MethodHead || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified {
		return nil
	}
	_, err := w.Write(a.Body.Bytes())
	return err
}
