package caddymodule

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// theClientsWord are placeholders that say what a client sends: nobody is identified by them. A header can be one that
// forward_auth has set.
func theClientsWord(key string) bool {
	request, of := strings.CutPrefix(key, "http.request.")
	return of && !strings.HasPrefix(request, "header.") && !strings.HasPrefix(request, "tls.client.")
}

// frontUser reads a placeholder such as {http.auth.user.id} at each request: it is empty where the placeholder is,
// where nobody has set it, and where it is no text.
func frontUser(placeholder string) (func(*http.Request) string, error) {
	key := strings.TrimSuffix(strings.TrimPrefix(placeholder, "{"), "}")
	switch {
	case !strings.HasPrefix(key, "http."), strings.HasPrefix(key, "http.second_factor."):
		return nil, fmt.Errorf("username placeholder %s: want one that a handler in front of second_factor sets, such as {http.auth.user.id}", placeholder)
	case theClientsWord(key):
		return nil, fmt.Errorf("username placeholder %s: that is the client's word, and identifies nobody", placeholder)
	}
	header, isHeader := strings.CutPrefix(key, "http.request.header.")
	header = textproto.CanonicalMIMEHeaderKey(header)
	return func(r *http.Request) string {
		replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		if !ok || isHeader && len(r.Header[header]) != 1 { // of two, one may be the client's
			return ""
		}
		value, _ := replacer.Get(key)
		name, _ := value.(string)
		return name
	}, nil
}
