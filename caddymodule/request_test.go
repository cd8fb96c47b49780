package caddymodule

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// TestRequestID: a request keeps one ID, which is also {http.request.uuid} in the access log.
func TestRequestID(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	if id := requestID(r); id != "" {
		t.Errorf("outside of Caddy: %q", id)
	}
	replacer := caddy.NewReplacer()
	prepared := caddyhttp.PrepareRequest(r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, replacer)), replacer,
		httptest.NewRecorder(), nil)
	noteRequestID(prepared)
	id := requestID(prepared)
	if shown := replacer.ReplaceAll("{http.request.uuid}", "none"); id == "" || id != shown || id != requestID(prepared) {
		t.Errorf("%q and %q; Caddy says %q", id, requestID(prepared), shown)
	}
}
