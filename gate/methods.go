package gate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Takes reports whether the app takes requests by a method. An app whose listener speaks another protocol as well takes
// what has a method that it does not know for that one, and the lines of the body for its commands.
func (p *Policy) Takes(method string) bool {
	return len(p.methods) == 0 || slices.Contains(p.methods, method)
}

// Allow is the header of that name for a request by a method that the app does not take.
func (p *Policy) Allow() string {
	if len(p.methods) == 0 {
		return "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	}
	return strings.Join(p.methods, ", ")
}

// checkMethods refuses what is no method, or one that goes to no app whatever is said of it.
func checkMethods(methods []string) error {
	for _, method := range methods {
		if !openable(method) {
			return fmt.Errorf("methods %q: want methods in capitals, such as %s, that can go to an app", method, http.MethodPost)
		}
	}
	return nil
}
