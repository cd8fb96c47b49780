package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"sallyport.example/sallyport/login"
)

// IsTimeout reports whether an error means that no answer came in time.
func IsTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// ErrTooLarge is returned for an answer that had to be read whole and was larger than answerLimit.
var ErrTooLarge = errors.New("the app's answer is too large to be judged")

// ErrBroken is returned if the app broke off in the middle of an answer that had to be read whole.
var ErrBroken = errors.New("the app broke off in the middle of its answer")

// answerLimit bounds how much of an answer is kept, in bytes, before it is judged.
const answerLimit = login.AnswerLimit

// Withheld is an answer of the app that the browser does not see before it is judged. It has its own header map, so
// that none of its headers can get into another answer (P2). It drops early hints and cannot be hijacked or flushed.
type Withheld struct {
	Headers http.Header
	Status  int
	// Body is the whole body, or the beginning of a large one.
	Body bytes.Buffer
	full bool
	// admit, if set, is asked for room for an answer that is longer than what is judged.
	admit login.Admit
	leave func()
	// rest is the rest after Body, in a file that has no name.
	rest *os.File
}

// LargeLimit is how much of an answer to a login is kept in addition to what can be judged, in bytes.
const LargeLimit = 16 << 20

// mayBeLarge reports whether the answer may be longer than what can be judged. Pages may be. Anything else of that
// length holds data, and perhaps a credential.
func (a *Withheld) mayBeLarge() bool {
	media := MediaType(a.Headers)
	return a.admit != nil && (media == "text/html" || media == "application/xhtml+xml")
}

// Large reports whether the answer is longer than the part that can be judged.
func (a *Withheld) Large() bool { return a.rest != nil }

// Forget frees the room that a large answer took.
func (a *Withheld) Forget() {
	if a.rest != nil {
		_ = a.rest.Close()
		a.leave()
	}
}

// spill stores what follows Body.
func (a *Withheld) spill(p []byte) (int, error) {
	if a.rest == nil {
		leave, ok := a.admit()
		if !ok {
			return 0, ErrTooLarge
		}
		file, err := os.CreateTemp("", "sallyport-answer-*")
		if err != nil {
			leave()
			return 0, err
		}
		a.rest, a.leave = file, leave
		if err := os.Remove(file.Name()); err != nil {
			return 0, err
		}
	}
	at, err := a.rest.Seek(0, io.SeekCurrent)
	if err != nil || at+int64(len(p)) > LargeLimit {
		return 0, ErrTooLarge
	}
	return a.rest.Write(p)
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
	fits := min(len(p), answerLimit-a.Body.Len())
	if fits < len(p) && !a.mayBeLarge() {
		a.full = true
		return 0, ErrTooLarge
	}
	n, _ := a.Body.Write(p[:fits]) // Write to a bytes.Buffer never fails
	if fits == len(p) {
		return n, nil
	}
	more, err := a.spill(p[fits:])
	a.full = a.full || err != nil
	return n + more, err
}

// Capture runs the rest of the route and keeps its whole answer.
func Capture(next Handler, r *http.Request) (answer *Withheld, err error) {
	return capture(&Withheld{Headers: make(http.Header)}, next, r)
}

// CaptureLarge is Capture for an answer of which only a part has to be judged. The caller must call Forget on the
// answer.
func CaptureLarge(next Handler, r *http.Request, admit login.Admit) (*Withheld, error) {
	kept := &Withheld{Headers: make(http.Header), admit: admit}
	answer, err := capture(kept, next, r)
	if answer == nil {
		kept.Forget()
	}
	return answer, err
}

func capture(kept *Withheld, next Handler, r *http.Request) (answer *Withheld, err error) {
	answer = kept
	defer func() {
		// Reverse proxies end a broken stream with this panic, so that the client's stream breaks off too. Here nothing
		// was sent yet.
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // the exact value is the convention
			err = ErrBroken
			if kept.full {
				err = ErrTooLarge
			}
			answer = nil
		} else if p != nil {
			panic(p)
		}
	}()
	if err := next(answer, r); err != nil && !answer.full {
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

// captureWithin is Capture, but it returns when the request's context ends, even if the rest of the route does not:
// Caddy's FastCGI checks the context only until it has connected.
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

// Cookies removes the raw Set-Cookie lines from the answer, from all places, and returns them.
func (a *Withheld) Cookies() []string {
	lines := a.Headers["Set-Cookie"]
	StripCookies(a.Headers)
	return lines
}

// Judged returns the answer in the form that package login judges.
func (a *Withheld) Judged(lines []string) (login.Answer, error) {
	body, err := login.DecodeBody(a.Headers, a.Body.Bytes(), answerLimit)
	judged := login.Answer{Status: a.Status, Header: a.Headers, Body: body, SetCookies: lines}
	if a.Large() || a.mayBeLarge() && errors.Is(err, login.ErrTooLarge) {
		// Only the beginning of a large body can be looked at, which shows what kind of answer it is.
		judged.BodyUnknown, err = true, nil
	}
	return judged, err
}

// Send sends the answer to the browser after all, with the cookies that the browser may have.
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
	if _, err := w.Write(a.Body.Bytes()); err != nil || a.rest == nil {
		return err
	}
	if _, err := a.rest.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, a.rest)
	return err
}
