package caddymodule

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// theClientsWord reports whether a placeholder has what a client sends, so that it must not identify anybody. A
// header's placeholder is not one of these, because forward_auth may have set the header.
func theClientsWord(key string) bool {
	request, of := strings.CutPrefix(key, "http.request.")
	return of && !strings.HasPrefix(request, "header.") && !strings.HasPrefix(request, "tls.client.")
}

// frontUser returns a function that reads a placeholder such as {http.auth.user.id} in each request. The result is
// empty if the placeholder is empty, is not set, or is not text.
func frontUser(placeholder string) (func(*http.Request) string, error) {
	key := placeholderKey(placeholder)
	switch {
	case !strings.HasPrefix(key, "http."), strings.HasPrefix(key, "http.second_factor."):
		return nil, fmt.Errorf("username placeholder %s: want one that a handler in front of second_factor sets, such as {http.auth.user.id}", placeholder)
	case theClientsWord(key):
		return nil, fmt.Errorf("username placeholder %s: that is the client's word, and identifies nobody", placeholder)
	}
	return readPlaceholder(key), nil
}

// deskOperator is frontUser for the help desk, which may come after second_factor in the route.
func deskOperator(placeholder string) (func(*http.Request) string, error) {
	key := placeholderKey(placeholder)
	switch {
	case key != secondFactorUser && (!strings.HasPrefix(key, "http.") || strings.HasPrefix(key, "http.second_factor.")):
		return nil, fmt.Errorf("'%s': want a placeholder that a handler in front of the desk sets, such as {http.auth.user.id}", placeholder)
	case theClientsWord(key):
		return nil, fmt.Errorf("'%s': that is the client's word, and identifies nobody", placeholder)
	}
	return readPlaceholder(key), nil
}

// secondFactorUser is the placeholder's key that second_factor itself sets (observe).
const secondFactorUser = "http.second_factor.user"

func placeholderKey(placeholder string) string {
	return strings.TrimSuffix(strings.TrimPrefix(placeholder, "{"), "}")
}

// readPlaceholder returns a function that reads a placeholder in each request.
func readPlaceholder(key string) func(*http.Request) string {
	header, isHeader := strings.CutPrefix(key, "http.request.header.")
	header = textproto.CanonicalMIMEHeaderKey(header)
	return func(r *http.Request) string {
		replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		if !ok || isHeader && len(r.Header[header]) != 1 { // one of two lines may be the client's
			return ""
		}
		value, _ := replacer.Get(key)
		name, _ := value.(string)
		return name
	}
}
