package gate

import (
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// IsPreflight reports whether a request is a browser's question whether a page of another site may send a request
// (Fetch §4.8), and the operator lets pages of that origin ask. Such a question has no cookie, no password and no body.
func IsPreflight(r *http.Request, origins []string) bool {
	if r.Method != http.MethodOptions || len(origins) == 0 {
		return false
	}
	h := r.Header
	origin, method := h["Origin"], h["Access-Control-Request-Method"]
	return len(origin) == 1 && slices.Contains(origins, strings.ToLower(origin[0])) && len(method) == 1 && match.IsToken(method[0]) &&
		len(h["Cookie"]) == 0 && len(h["Authorization"]) == 0 && len(h["Upgrade"]) == 0 && !match.HasBody(r)
}

// Answers reports whether the app may be asked such a question at a place. The path must be canonical, and the place
// must be neither one that is shut nor one of our own pages.
func Answers(place Place, path match.Path) bool {
	return path.Canonical && place != Own && place != Shut
}
