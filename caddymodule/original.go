package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// settleOriginal makes Caddy's copy of the original request agree with the request that goes on. FastCGI transports
// take REQUEST_URI from that copy, PHP apps choose their page by it, and error routes restore it. So it must have the
// address that was judged, and no token that was removed from it.
//
// The copy is held by value, but everybody shares the pointer to its URL. Everything else that has the address is a
// placeholder.
func settleOriginal(r *http.Request) {
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return
	}
	if *original.URL != *r.URL {
		*original.URL = *r.URL
	}
	if original.RequestURI != r.RequestURI {
		if replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
			replacer.Set("http.request.orig_uri", r.RequestURI)
		}
	}
}
