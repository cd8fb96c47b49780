package upstream

import (
	"errors"
	"io"
	"net/http"

	"sallyport.example/sallyport/internal/match"
)

// SettleBody finds out whether a page load has a body if its head does not say so. Over HTTP/3 no length is known even
// if there is no body (RFC 9114 §4.1: a message without a body ends with its stream), and a request with a body is no
// page load. SettleBody reads one byte ahead and puts it back; if there is none, it sets the length to 0.
//
// It has to be called before the session is read, because a client may hold back the end of its request for as long as
// it likes.
func SettleBody(r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.ContentLength >= 0 || len(r.TransferEncoding) > 0 || r.Body == nil {
		return
	}
	again := &begun{ReadCloser: r.Body}
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = r.Body.Read(again.first[:])
	}
	if again.unread, again.err = n == 1, err; n == 0 && errors.Is(err, io.EOF) {
		r.ContentLength = 0
	}
	r.Body = again
}

// LoadsWithBody reports whether a GET or HEAD has a body. Many servers do not read it (RFC 9110 §9.3.1 lets them), and
// some take it for the next request on the same connection, at which the gateway has not looked.
func LoadsWithBody(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && match.HasBody(r)
}

// connectionAsItIs is Connection in a spelling that reverse proxies leave alone, since they look for the canonical one.
const connectionAsItIs = "connection"

// lastOfConnection makes the app close its connection after a request with a body (RFC 9112 §9.6). An app may answer
// before it has read the body, or may not know how long the body is (chunks, or a method that it believes to have
// none). It would then take the rest of the body for the next request on that connection: one with cookies and a
// password of the client's choice, at any path. The answer to that request would go to the next user.
func lastOfConnection(r *http.Request) {
	if match.HasBody(r) {
		r.Header[connectionAsItIs] = []string{"close"}
	}
}

// begun is a body of which one byte, or the end, was read ahead.
type begun struct {
	io.ReadCloser
	first  [1]byte
	unread bool
	err    error
}

// Read implements io.Reader.
func (b *begun) Read(p []byte) (int, error) {
	switch {
	case b.unread && len(p) > 0:
		b.unread = false
		p[0] = b.first[0]
		return 1, nil
	case b.unread:
		return 0, nil
	case b.err != nil:
		return 0, b.err
	}
	return b.ReadCloser.Read(p)
}
