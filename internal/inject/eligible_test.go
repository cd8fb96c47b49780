package inject

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPageLoad(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		method string
		header http.Header
		want   bool
	}{
		{"browser", "GET", http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"*/*"}}, true},
		{"no destination", "GET", http.Header{"Sec-Fetch-Mode": {"navigate"}}, true},
		{"old browser", "GET", http.Header{"Accept": {"text/html,*/*;q=0.8"}}, true},
		{"no cache", "GET", http.Header{"Accept": {"text/html"}, "Cache-Control": {"no-cache, max-age=0"}}, true},
		{"head", "HEAD", http.Header{"Accept": {"text/html"}}, false},
		{"post", "POST", http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}, false},
		{"frame", "GET", http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}, "Accept": {"text/html"}}, false},
		{"fragment", "GET", http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Accept": {"text/html"}}, false},
		{"only a destination", "GET", http.Header{"Sec-Fetch-Dest": {"empty"}, "Accept": {"text/html"}}, false},
		{"two modes", "GET", http.Header{"Sec-Fetch-Mode": {"navigate", "cors"}, "Accept": {"text/html"}}, false},
		{"old browser's script", "GET", http.Header{"Accept": {"text/html, */*"}, "X-Requested-With": {"XMLHttpRequest"}}, false},
		{"program", "GET", http.Header{"Accept": {"*/*"}}, false},
		{"silent", "GET", http.Header{}, false},
		{"no-transform", "GET", http.Header{"Accept": {"text/html"}, "Cache-Control": {"no-cache", "x, No-Transform"}}, false},
		{"upgrade", "GET", http.Header{"Accept": {"text/html"}, "Upgrade": {"websocket"}}, false},
	} {
		r := httptest.NewRequest(test.method, "/", nil)
		r.Header = test.header
		if got := PageLoad(r); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	const page = "text/html; charset=utf-8"
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		want   bool
	}{
		{"page", 200, http.Header{"Content-Type": {page}}, true},
		{"no charset", 200, http.Header{"Content-Type": {"Text/HTML"}}, true},
		{"Latin", 200, http.Header{"Content-Type": {"text/html;charset=ISO-8859-15"}}, true},
		{"Windows", 200, http.Header{"Content-Type": {`text/html; charset="windows-1252"`}}, true},
		{"all of it", 200, http.Header{
			"Content-Type": {page}, "Content-Encoding": {"Identity"}, "Content-Disposition": {"Inline; filename=x"}, "Cache-Control": {"no-store"},
			"Content-Security-Policy": {"default-src 'none'; frame-src sandbox"},
		}, true},
		{"error", 404, http.Header{"Content-Type": {page}}, false},
		{"created", 201, http.Header{"Content-Type": {page}}, false},
		{"part", 206, http.Header{"Content-Type": {page}}, false},
		{"range", 200, http.Header{"Content-Type": {page}, "Content-Range": {"bytes 0-1/2"}}, false},
		{"not modified", 304, http.Header{"Content-Type": {page}}, false},
		{"no type", 200, http.Header{}, false},
		{"two types", 200, http.Header{"Content-Type": {page, page}}, false},
		{"two types in one line", 200, http.Header{"Content-Type": {"text/html, text/html"}}, false},
		{"two charsets", 200, http.Header{"Content-Type": {"text/html; charset=utf-8; charset=utf-16"}}, false},
		{"malformed", 200, http.Header{"Content-Type": {"text/html; charset=\""}}, false},
		{"text", 200, http.Header{"Content-Type": {"text/plain"}}, false},
		{"XHTML", 200, http.Header{"Content-Type": {"application/xhtml+xml"}}, false},
		{"JSON", 200, http.Header{"Content-Type": {"application/json"}}, false},
		{"UTF-16", 200, http.Header{"Content-Type": {"text/html; charset=utf-16le"}}, false},
		{"UTF-7", 200, http.Header{"Content-Type": {"text/html; charset=utf-7"}}, false},
		{"Japanese", 200, http.Header{"Content-Type": {"text/html; charset=iso-2022-jp"}}, false},
		{"no such Latin", 200, http.Header{"Content-Type": {"text/html; charset=iso-8859-x"}}, false},
		{"gzip", 200, http.Header{"Content-Type": {page}, "Content-Encoding": {"gzip"}}, false},
		{"both", 200, http.Header{"Content-Type": {page}, "Content-Encoding": {"identity", "br"}}, false},
		{"download", 200, http.Header{"Content-Type": {page}, "Content-Disposition": {"attachment; filename=inline"}}, false},
		{"unknown disposition", 200, http.Header{"Content-Type": {page}, "Content-Disposition": {"x"}}, false},
		{"no-transform", 200, http.Header{"Content-Type": {page}, "Cache-Control": {"public, no-transform"}}, false},
		{"sandbox", 200, http.Header{"Content-Type": {page}, "Content-Security-Policy": {"default-src 'self'", "img-src *, x; Sandbox allow-scripts"}}, false},
	} {
		if got := Document(test.status, test.header); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// TestAdjust: what no longer holds is gone, what holds stays.
func TestAdjust(t *testing.T) {
	t.Parallel()
	h := http.Header{
		"Content-Length": {"5"}, "Accept-Ranges": {"bytes"}, "Content-Md5": {"x"}, "Digest": {"x"}, "Content-Digest": {"x"}, "Repr-Digest": {"x"},
		"Etag": {`"a"`}, "Last-Modified": {"Mon, 02 Jan 2006 15:04:05 GMT"}, "Content-Security-Policy": {"default-src 'none'"},
	}
	Adjust(h, Mark("x"))
	if len(h) != 2 || h.Get("Content-Security-Policy") != "default-src 'none'" || !strings.HasPrefix(h.Get("Etag"), `W/"sallyport.`) {
		t.Errorf("%v", h)
	}
}
