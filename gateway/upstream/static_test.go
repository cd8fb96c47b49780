package upstream

import (
	"net/http"
	"testing"
)

func header(lines ...string) http.Header {
	h := make(http.Header)
	for i := 0; i < len(lines); i += 2 {
		h.Add(lines[i], lines[i+1])
	}
	return h
}

// TestP5_Shareable: an answer that a shared cache must not give to others is the user's own.
func TestP5_Shareable(t *testing.T) {
	for _, own := range []http.Header{
		header("Cache-Control", "private"), header("Cache-Control", "max-age=1, No-Store"), header("Cache-Control", "public", "Cache-Control", "private=\"x\""),
		header("Cache-Control", "no-cache"), header("Vary", "*"), header("Vary", "Accept, Cookie"), header("Vary", "authorization"),
	} {
		if Shareable(own) {
			t.Errorf("%v is shared", own)
		}
	}
	for _, shared := range []http.Header{header(), header("Cache-Control", "public, max-age=60", "Vary", "Accept-Encoding")} {
		if !Shareable(shared) {
			t.Errorf("%v is not shared", shared)
		}
	}
}

// TestP5_SameContent: two answers have the same content if each of them has a validator and all validators agree.
func TestP5_SameContent(t *testing.T) {
	for _, test := range []struct {
		one, other http.Header
		same       bool
	}{
		{header(), header(), false},
		{header("Etag", `"a"`), header("Etag", `W/"a"`), true},
		{header("Etag", `"a"`), header("Etag", `"b"`), false},
		{header("Etag", `"a"`), header(), false},
		{header("Last-Modified", "x"), header("Last-Modified", "x"), true},
		{header("Last-Modified", "x", "Etag", `"a"`), header("Last-Modified", "x", "Etag", `"b"`), false},
	} {
		if got := SameContent(test.one, test.other); got != test.same {
			t.Errorf("%v and %v: %t", test.one, test.other, got)
		}
	}
	if !BelongsToPage(header("Content-Type", "text/css; charset=utf-8")) || BelongsToPage(header("Content-Type", "text/html")) || BelongsToPage(header()) {
		t.Error("what belongs to a page")
	}
}
