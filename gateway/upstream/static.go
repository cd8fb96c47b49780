package upstream

import (
	"net/http"
	"strings"
)

// Shareable reports whether a cache could give an answer to others than the client that asked for it (RFC 9111 §3).
func Shareable(header http.Header) bool {
	for _, line := range header["Cache-Control"] {
		for directive := range strings.SplitSeq(strings.ToLower(line), ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(directive), "=")
			if name == "private" || name == "no-store" || name == "no-cache" {
				return false
			}
		}
	}
	for _, line := range header["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "*", "cookie", "authorization":
				return false
			}
		}
	}
	return true
}

// SameContent reports whether two answers have the same content, as far as their headers say so: every validator that
// one of them has must be equal in both (RFC 9110 §8.8).
func SameContent(one, other http.Header) bool {
	validated := false
	for _, name := range []string{"Etag", "Last-Modified"} {
		a, b := strings.TrimPrefix(one.Get(name), "W/"), strings.TrimPrefix(other.Get(name), "W/")
		if a != b {
			return false
		}
		validated = validated || a != ""
	}
	return validated
}

// BelongsToPage reports whether an answer is of a type that pages load in addition to themselves.
func BelongsToPage(header http.Header) bool {
	media := MediaType(header)
	kind, _, _ := strings.Cut(media, "/")
	switch kind {
	case "image", "font", "audio", "video":
		return true
	}
	switch media {
	case "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/wasm":
		return true
	}
	return false
}
