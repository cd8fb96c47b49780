package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Foreign reports whether a page of another site sent the request and its origin is not among those allowed. Only what
// browsers say counts: a client that says nothing is an old browser, or no browser at all.
//
// A page that hides its address sends the origin `null` even to its own site; then Sec-Fetch-Site decides (Fetch §3.2,
// Fetch Metadata §2.2).
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
		r.TLS != nil && origin.Scheme != "https" // an attacker on the network writes the http pages of this host
}

// Blind reports whether another site's page may have sent the request, so that it lacks cookies of ours that the
// browser has. Our cookies are SameSite=Lax: browsers send them when the user follows a link, but not with pictures,
// frames and forms of other sites.
func Blind(r *http.Request) bool {
	if !Foreign(r, nil) {
		return false
	}
	followed := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document"
	return !followed
}
