package exchange

import (
	"net/http"
	"net/url"
	"strings"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/pages"
)

// Wanted returns where a browser goes after a factor was asked for in the middle of its work: where the app's answer
// led, or else the page that the browser had asked for.
func (x *Exchange) Wanted(location string) string {
	if target, ok := LocalTarget(location, x.R); ok {
		return target
	}
	if x.R.Method == http.MethodGet && IsPageLoad(x.R) {
		if target, ok := LocalTarget(x.Target, x.R); ok {
			return target
		}
	}
	return ""
}

// maxTarget is the longest address that is remembered, in bytes.
const maxTarget = 2048

// LocalTarget turns the Location of an answer to r, or the address of a request, into a path of this site. It refuses
// everything that a browser could read as another origin (`//evil`, `/\evil`, `https:evil`, `javascript:…`, a tab in
// between).
func LocalTarget(location string, r *http.Request) (string, bool) {
	if location == "" || len(location) > maxTarget || strings.ContainsFunc(location, match.ForbiddenInTarget) {
		return "", false
	}
	reference, err := url.Parse(location)
	if err != nil || reference.Opaque != "" || reference.User != nil {
		return "", false
	}
	if reference.IsAbs() || reference.Host != "" {
		if reference.Scheme != "" && reference.Scheme != "http" && reference.Scheme != "https" {
			return "", false
		}
		if !strings.EqualFold(reference.Host, r.Host) {
			return "", false
		}
		reference.Scheme, reference.Host = "", ""
		if reference.Path == "" {
			reference.Path = "/"
		}
	}
	base := &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	target := base.ResolveReference(reference).String()
	if !isLocal(target) {
		return "", false
	}
	return target, true
}

// isLocal reports whether a target may go into a Location header of ours. Every redirect is checked with it.
func isLocal(target string) bool { return len(target) <= maxTarget+64 && match.IsLocal(target) }

// Redirect answers 303 to a path of this site, or to the start page if the target is no such path.
func (x *Exchange) Redirect(target string) error { return RedirectAs(x, http.StatusSeeOther, target) }

// RedirectAs is Redirect with another status.
func RedirectAs(x *Exchange, status int, target string) error {
	if !isLocal(target) {
		target = "/"
	}
	h := x.W.Header()
	pages.SecurityHeaders(h, "")
	h["Location"] = []string{target}
	h["Content-Length"] = []string{"0"}
	delete(h, "Content-Type")
	delete(h, "Content-Encoding")
	x.W.WriteHeader(status)
	return nil
}
