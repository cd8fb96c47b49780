package caddymodule

import (
	"maps"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"sallyport.example/sallyport/gateway"
)

// clientAddress returns the address of the client as the server sees it, with its trusted proxies and nothing else
// taken into account.
func clientAddress(r *http.Request) string {
	if address, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok {
		return address
	}
	return r.RemoteAddr
}

// requestIDVar is the variable of a request that holds its ID.
const requestIDVar = "second_factor.request"

// noteRequestID keeps Caddy's ID of a request, the value of {http.request.uuid}: the access log has the same one. It is
// read once, before the request goes on, because reading it writes into what the transport to the app reads.
func noteRequestID(r *http.Request) {
	replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	if id, _ := replacer.GetString("http.request.uuid"); id != "" {
		caddyhttp.SetVar(r.Context(), requestIDVar, id)
	}
}

// requestID returns the ID that noteRequestID has kept; empty if there is none.
func requestID(r *http.Request) string {
	id, _ := caddyhttp.GetVar(r.Context(), requestIDVar).(string)
	return id
}

// prepareProbe gives a request of the gateway's own the context that the rest of the route expects. It has its own
// placeholders and route groups, so that it leaves no trace in the request it belongs to, and that request's variables.
func prepareProbe(probe, beside *http.Request, w http.ResponseWriter) *http.Request {
	server, ok := beside.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return probe
	}
	prepared := caddyhttp.PrepareRequest(probe, caddy.NewReplacer(), w, server)
	if outer, ok := beside.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		if inner, ok := prepared.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
			maps.Copy(inner, outer)
		}
	}
	return prepared
}

// observe sets the placeholders {http.second_factor.user}, .state and .method for the rest of the route.
func observe(r *http.Request, outcome gateway.Outcome) {
	replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	replacer.Map(func(key string) (any, bool) {
		const prefix = "http.second_factor."
		if len(key) <= len(prefix) || key[:len(prefix)] != prefix {
			return nil, false
		}
		switch key[len(prefix):] {
		case "user":
			return outcome.User, true
		case "state":
			return outcome.State.String(), true
		case "method":
			return outcome.Method, true
		}
		return nil, false
	})
}
