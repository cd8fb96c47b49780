package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
)

// StrictPolicy is the Content-Security-Policy of an answer that is no page: redirects, JSON, problem documents.
const StrictPolicy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// SecurityHeaders sets what every answer of the gateway's own carries (contract 5.4), replacing what was there. The
// policy is the Content-Security-Policy; empty means StrictPolicy. Pages set these headers themselves.
func SecurityHeaders(h http.Header, policy string) {
	if policy == "" {
		policy = StrictPolicy
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// For browsers that do not know frame-ancestors.
	h.Set("X-Frame-Options", "DENY")
}

// pagePolicy allows the one style and the one script of a page by what they are, not by where they stand.
func pagePolicy(style, script string) string {
	return "default-src 'none'; style-src " + source(style) + "; script-src " + source(script) +
		"; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

// source is the CSP source expression for an inline element with this content.
func source(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
