package fault

import (
	"bytes"
	"maps"
	"net/http"
	"strconv"
)

// kept is a ResponseWriter that holds an answer of Vault back.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newKept() *kept { return &kept{header: http.Header{}} }

// Header is the answer's header.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader keeps the first final status.
func (k *kept) WriteHeader(status int) {
	if k.status == 0 && status >= 200 {
		k.status = status
	}
}

// Write keeps the body.
func (k *kept) Write(body []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(body)
}

// Flush does nothing, because nothing is sent yet.
func (k *kept) Flush() {}

// send sends the answer.
func (k *kept) send(w http.ResponseWriter) {
	k.sendHeader(w)
	_, _ = w.Write(k.body.Bytes())
}

// sendHalf sends the first half of the body with the Content-Length of the whole, and makes sure that it is sent before
// the connection ends.
func (k *kept) sendHalf(w http.ResponseWriter) {
	k.sendHeader(w)
	half := k.body.Bytes()[:k.body.Len()/2]
	// A flush over HTTP/2 returns before its own bytes are sent, but after those of the previous flush.
	for _, part := range [][]byte{half[:len(half)/2], half[len(half)/2:]} {
		_, _ = w.Write(part)
		_ = http.NewResponseController(w).Flush()
	}
}

// sendHeader sends status and header.
func (k *kept) sendHeader(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.header)
	if k.body.Len() > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(k.body.Len()))
	}
	k.WriteHeader(http.StatusOK)
	w.WriteHeader(k.status)
}
