package upstream

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// TestSettleBody: a byte that was read ahead can be read again, and nothing is read ahead if the head says enough.
func TestSettleBody(t *testing.T) {
	for name, body := range map[string]io.Reader{
		"at once": strings.NewReader("body"), "byte by byte": iotest.OneByteReader(strings.NewReader("body")),
		"with its end": iotest.DataErrReader(strings.NewReader("body")),
	} {
		r := httptest.NewRequest(http.MethodGet, "/", body)
		r.ContentLength = -1
		SettleBody(r)
		if n, err := r.Body.Read(nil); n != 0 || err != nil {
			t.Errorf("%s: a read of nothing gives %d, %v", name, n, err)
		}
		if text, err := io.ReadAll(r.Body); string(text) != "body" || err != nil || r.ContentLength != -1 {
			t.Errorf("%s: %q, %v, length %d", name, text, err, r.ContentLength)
		}
	}
	for name, change := range map[string]func(r *http.Request){
		"a length":       func(r *http.Request) { r.ContentLength = 4 },
		"chunks":         func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"another method": func(r *http.Request) { r.Method = http.MethodPost },
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(errors.New("read"))), -1
		change(r)
		before := r.Body
		if SettleBody(r); r.Body != before {
			t.Errorf("%s: the body was read", name)
		}
	}
}
