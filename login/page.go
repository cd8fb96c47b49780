package login

import (
	"net/http"

	"sallyport.example/sallyport/internal/match"
)

// Plain reports whether a request could not sign anybody in by what it carries, as far as its form goes: GET or HEAD,
// without a body, by length and by transfer coding, and without an upgrade, for some apps sign in by messages inside a
// WebSocket. What its query holds is asked by [Set.NamesInQuery].
func Plain(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !match.HasBody(r) && len(r.Header["Upgrade"]) == 0
}

// NamesInQuery reports whether the query of a request has a field that some server could take for one of a login's: a
// user's name, a condition, or one of its fields. A query too long to be looked at counts as one that has.
func (s *Set) NamesInQuery(r *http.Request) bool {
	if r.URL.RawQuery == "" {
		return false
	}
	return len(r.URL.RawQuery) > BodyLimit || s.named(&examination{request: r})
}

func (s *Set) named(x *examination) bool {
	if x.request.URL.RawQuery == "" {
		return false
	}
	for _, c := range s.plan() {
		if c.standing {
			continue
		}
		for _, t := range c.secret {
			if len(x.queryHits(t)) > 0 {
				return true
			}
		}
	}
	return false
}
