package exchange

import (
	"net/http"
	"strings"
)

// HostOf is the host that a request is for, in the one spelling that sessions are bound to: in lower case, without a
// port, and without the dot that may end a name.
func HostOf(r *http.Request) string {
	host := r.Host
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
