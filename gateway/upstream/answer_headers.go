package upstream

import (
	"net/http"
	"strings"
)

// IsEventStream reports whether an answer is a stream of events (Server-Sent Events).
func IsEventStream(h http.Header) bool { return MediaType(h) == "text/event-stream" }

// MediaType returns an answer's media type, in lower case and without parameters; "" if it has none.
func MediaType(h http.Header) string {
	values := h["Content-Type"]
	if len(values) == 0 {
		return ""
	}
	media, _, _ := strings.Cut(values[0], ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// isCookieHeader reports whether a header's or trailer's name is Set-Cookie in any spelling.
func isCookieHeader(name string) bool {
	name = strings.TrimPrefix(name, http.TrailerPrefix)
	return strings.EqualFold(strings.TrimSpace(name), "Set-Cookie") || strings.EqualFold(name, "Set-Cookie2")
}

// WithoutCookieTrailers removes Set-Cookie from the names of trailers that an answer announces.
func WithoutCookieTrailers(h http.Header) {
	var kept []string
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" && !isCookieHeader(name) {
				kept = append(kept, name)
			}
		}
	}
	if kept == nil {
		delete(h, "Trailer")
		return
	}
	h["Trailer"] = []string{strings.Join(kept, ", ")}
}

// StripCookies removes Set-Cookie in every spelling from a header map, also where it would become a trailer.
func StripCookies(h http.Header) {
	delete(h, "Set-Cookie")
	for name := range h {
		if len(name) >= len("Set-Cookie") && isCookieHeader(name) {
			delete(h, name)
		}
	}
}
