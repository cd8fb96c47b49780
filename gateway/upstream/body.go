package upstream

import (
	"errors"
	"io"
	"net/http"

	"sallyport.example/sallyport/internal/match"
)

// SettleBody finds out whether a page load has a body where its head does not say so: over HTTP/3 the length of none is
// not known either (RFC 9114 §4.1: a message without a body ends with its stream), and a request with a body is no page
// load. What is there is read by one byte, and put back; where nothing is, the request says so from here on.
//
// It comes before the session is read: a client may keep back the end of its request for as long as it likes.
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

// LoadsWithBody reports whether a request that has no use for a body has one. Many servers do not read it (RFC 9110
// §9.3.1 lets them), and some of those take it for the next request on the same connection: one that nobody has looked
// at.
func LoadsWithBody(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && match.HasBody(r)
}

// connectionAsItIs is Connection in a spelling that reverse proxies leave alone, since they look for the canonical one.
const connectionAsItIs = "connection"

// lastOfConnection has the app close the connection to it behind a request with a body (RFC 9112 §9.6). An app that
// answers before it has read the body, or does not know how long it is (chunks, a method that it takes for one
// without), would take the rest for the next request: one with cookies and a password of the client's choice, at any
// path, and its answer would be the next user's.
func lastOfConnection(r *http.Request) {
	if match.HasBody(r) {
		r.Header[connectionAsItIs] = []string{"close"}
	}
}

// begun is a body of which one byte was read ahead, or its end.
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
