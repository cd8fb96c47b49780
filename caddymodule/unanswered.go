package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// unanswered returns the status of an error that says that the app cannot be reached. It returns 0 for other errors,
// and if the operator's `handle_errors` answers errors; without that, Caddy's answer is an empty page.
func unanswered(r *http.Request, err error) int {
	var handler caddyhttp.HandlerError
	if !errors.As(err, &handler) || ownWords(handler) {
		return 0
	}
	switch handler.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return 0
	}
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server.Errors != nil && len(server.Errors.Routes) > 0 {
		return 0
	}
	return handler.StatusCode
}
