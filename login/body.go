package login

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// replay is a request body that was read ahead: what was read, then what is still to come.
type replay struct {
	ahead strings.Reader
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

// Admit is asked before more than BodyLimit of a body is kept in memory. It reports whether there is room; leave gives
// it back.
type Admit func() (leave func(), ok bool)

// errNoRoom is returned where there is no room for a large body.
var errNoRoom = errors.New("too many large bodies at once")

// readAhead reads at most limit bytes of the request's body and puts a body in its place that yields the same bytes,
// errors included. The request's length and transfer encoding stay as they are. more reports that the body does not end
// there.
func readAhead(r *http.Request, limit int, admit Admit) (ahead string, more bool, err error) {
	body := r.Body
	// What a client says of the length has no memory set aside that it does not fill.
	size := 1 << 10
	if r.ContentLength > 0 {
		size = int(min(r.ContentLength, int64(limit), BodyLimit)) + 1 // one more, so that the end is seen
	}
	buffer := make([]byte, size)
	n := 0
	for n < len(buffer) && err == nil {
		var got int
		got, err = body.Read(buffer[n:])
		n += got
		if n > BodyLimit && admit != nil && err == nil {
			leave, ok := admit()
			if !ok {
				err = errNoRoom
				break
			}
			defer leave()
			admit = nil
		}
		if n == len(buffer) && n <= limit && err == nil {
			buffer = append(buffer, make([]byte, min(n, limit+1-n))...)
		}
	}
	read := string(buffer[:n])
	again := &replay{rest: body, err: err}
	again.ahead.Reset(read)
	r.Body = again
	if errors.Is(err, io.EOF) {
		err = nil
	} else if err == nil {
		more = true
	}
	if n > limit {
		more = true
	}
	return read[:min(n, limit)], more, err
}
