package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Foreign reports whether a page of another site has sent the request, as far as browsers say so, and none whose origin
// is allowed. What says nothing is no browser of this day, or no browser at all.
//
// A page that keeps its own address to itself has the origin `null` even on its own site; then Sec-Fetch-Site holds
// (Fetch §3.2, Fetch Metadata §2.2).
func Foreign(r *http.Request, allowed []string) bool {
	origins := r.Header["Origin"]
	if len(origins) == 1 && slices.Contains(allowed, strings.ToLower(origins[0])) {
		return false
	}
	if sites := r.Header["Sec-Fetch-Site"]; len(sites) > 0 {
		return len(sites) > 1 || sites[0] != "same-origin" && sites[0] != "none"
	}
	if len(origins) == 0 {
		return false
	}
	origin, err := url.Parse(origins[0])
	return len(origins) > 1 || err != nil || origin.Host == "" || !strings.EqualFold(origin.Host, r.Host) ||
		r.TLS != nil && origin.Scheme != "https" // whoever sits on the line writes the http pages of this host
}

// Blind reports whether another site's page may have sent the request without the cookies of ours that the browser has.
// A link that is followed comes with them, for they are SameSite=Lax, so that there none are missing; pictures, frames
// and forms of other sites come without.
func Blind(r *http.Request) bool {
	if !Foreign(r, nil) {
		return false
	}
	followed := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document"
	return !followed
}
