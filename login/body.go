package login

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// replay is a request body that was read ahead: what was read, then what is still to come.
type replay struct {
	ahead bytes.Reader
	rest  io.ReadCloser
	// err is how reading ahead ended, io.EOF or worse; nil where there is more to come.
	err error
}

// Read implements io.Reader.
func (b *replay) Read(p []byte) (int, error) {
	if b.ahead.Len() > 0 {
		return b.ahead.Read(p)
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

// Close implements io.Closer.
func (b *replay) Close() error { return b.rest.Close() }

// readAhead reads at most BodyLimit bytes of the request's body and puts a body in its place that yields the same bytes,
// errors included. The request's length and transfer encoding stay as they are. more tells that the body does not end there.
func readAhead(r *http.Request) (ahead []byte, more bool, err error) {
	body := r.Body
	size := 1 << 10
	if r.ContentLength > 0 {
		size = int(min(r.ContentLength, BodyLimit)) + 1 // one more, so that the end is seen
	}
	buffer := make([]byte, size)
	n := 0
	for n < len(buffer) && err == nil {
		var got int
		got, err = body.Read(buffer[n:])
		n += got
		if n == len(buffer) && n <= BodyLimit && err == nil {
			buffer = append(buffer, make([]byte, min(n, BodyLimit+1-n))...)
		}
	}
	again := &replay{rest: body, err: err}
	again.ahead.Reset(buffer[:n])
	r.Body = again
	if errors.Is(err, io.EOF) {
		err = nil
	} else if err == nil {
		more = true
	}
	if n > BodyLimit {
		more = true
	}
	return buffer[:min(n, BodyLimit)], more, err
}
