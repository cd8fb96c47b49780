package gate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Takes reports whether the app takes requests by a method. If the app's listener speaks another protocol too, it may
// read a request with an unknown method as that protocol, and the lines of its body as commands.
func (p *Policy) Takes(method string) bool {
	return len(p.methods) == 0 || slices.Contains(p.methods, method)
}

// Allow is the value of the Allow header in an answer to a method that the app does not take.
func (p *Policy) Allow() string {
	if len(p.methods) == 0 {
		return "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	}
	return strings.Join(p.methods, ", ")
}

// checkMethods refuses methods that are not well formed and methods that the gateway never sends to an app.
func checkMethods(methods []string) error {
	for _, method := range methods {
		if !openable(method) {
			return fmt.Errorf("methods %q: want methods in capitals, such as %s, that can go to an app", method, http.MethodPost)
		}
	}
	return nil
}
