package demo

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"sync"
)

// recordedBody bounds what is kept of a body, in bytes.
const recordedBody = 128 << 10

// Received is a request that reached the app.
type Received struct {
	// Login is the account that the request belongs to, for the app; empty for a stranger.
	Login  string
	Method string
	// URI is the request target byte for byte; Path is what the app made of it.
	URI, Path, Host, Proto string
	Header                 http.Header
	// Body holds what the app read of the body, up to 128 KiB. It is filled in when the answer is complete.
	Body []byte
}

// recorder keeps the latest requests.
type recorder struct {
	limit  int
	mu     sync.Mutex
	latest []*Received
}

// note records a request; done fills in the body.
func (rec *recorder) note(arrived, served *http.Request, login string) (done func()) {
	noted := &Received{
		Login: login, Method: arrived.Method, URI: arrived.RequestURI, Path: served.URL.Path,
		Host: arrived.Host, Proto: arrived.Proto, Header: arrived.Header.Clone(),
	}
	rec.mu.Lock()
	rec.latest = append(rec.latest, noted)
	if len(rec.latest) > rec.limit {
		rec.latest = slices.Delete(rec.latest, 0, len(rec.latest)-rec.limit)
	}
	rec.mu.Unlock()

	body := &tee{ReadCloser: served.Body}
	served.Body = body
	return func() {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		noted.Body = body.kept.Bytes()
	}
}

func (rec *recorder) all() []Received {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	all := make([]Received, len(rec.latest))
	for i, noted := range rec.latest {
		all[i] = *noted
	}
	return all
}

func (rec *recorder) forget() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.latest = nil
}

// tee is a reader that keeps the beginning of what is read through it.
type tee struct {
	io.ReadCloser
	kept bytes.Buffer
}

func (t *tee) Read(into []byte) (int, error) {
	n, err := t.ReadCloser.Read(into)
	if room := recordedBody - t.kept.Len(); n > 0 && room > 0 {
		t.kept.Write(into[:min(n, room)])
	}
	return n, err
}
