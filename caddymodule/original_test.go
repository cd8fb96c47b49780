package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// prepared is a request as the server prepares it.
func prepared(target string) *http.Request {
	w := httptest.NewRecorder()
	return caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, target, http.NoBody), caddy.NewReplacer(), w, nil)
}

// TestSettleOriginal: after a change of the address, all of Caddy's "original" values have the new one, also for a
// handler that holds an older copy of the request.
func TestSettleOriginal(t *testing.T) {
	r := prepared("/a/b?token=s3cret&x=1")
	later := r.WithContext(r.Context())
	later.URL.RawQuery, later.RequestURI = "x=1", "/a/b?x=1"
	settleOriginal(later)
	original := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if got := original.URL.RequestURI(); got != "/a/b?x=1" {
		t.Errorf("REQUEST_URI would be %s", got)
	}
	replacer := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	for placeholder, want := range map[string]string{
		"{http.request.orig_uri}": "/a/b?x=1", "{http.request.orig_uri.query}": "x=1", "{http.request.orig_uri.path}": "/a/b",
	} {
		if got := replacer.ReplaceAll(placeholder, "none"); got != want {
			t.Errorf("%s is %s", placeholder, got)
		}
	}
	settleOriginal(httptest.NewRequest(http.MethodGet, "/", http.NoBody)) // no request of Caddy's
}

// TestSettleOriginalIsFree: it allocates nothing for a request that was not changed.
func TestSettleOriginalIsFree(t *testing.T) {
	r := prepared("/a/b?x=1")
	if n := testing.AllocsPerRun(100, func() { settleOriginal(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
