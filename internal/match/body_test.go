package match

import (
	"net/http"
	"testing"
)

// TestP1_HasBody: a body whose length nobody has said is one, by HTTP/2 and HTTP/3 (-1) as by chunks, which leave the
// length at zero in requests that other handlers make. Else a GET with a form in it is a plain look at a page.
func TestP1_HasBody(t *testing.T) {
	for _, test := range []struct {
		length int64
		coding []string
		want   bool
	}{
		{0, nil, false}, {7, nil, true}, {-1, nil, true}, {-1, []string{"chunked"}, true}, {0, []string{"chunked"}, true},
	} {
		r := &http.Request{Method: http.MethodGet, ContentLength: test.length, TransferEncoding: test.coding}
		if got := HasBody(r); got != test.want {
			t.Errorf("length %d, coding %q: %v", test.length, test.coding, got)
		}
	}
}
