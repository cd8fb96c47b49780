package gate

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// exit is where an app signs people out: a path and, for apps that have one path for many things, what the query must
// contain. It may match generously, because it opens nothing: only verified sessions get through to it.
type exit struct {
	written string
	path    match.Glob
	query   url.Values
}

// Leaves reports whether a request to a place may be a sign-out by what its body says. It may not if its path alone has
// already decided for another place.
func Leaves(place Place) bool { return place == Protected || place == Public }

// newExits reads patterns such as `/logout` and `/index.php?route=/logout`.
func newExits(patterns match.Globs) ([]exit, error) {
	exits := make([]exit, 0, len(patterns))
	for _, pattern := range patterns {
		path, query, _ := strings.Cut(string(pattern), "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return nil, fmt.Errorf("logout %q: %w", pattern, err)
		}
		exits = append(exits, exit{string(pattern), match.Glob(path), values})
	}
	return exits, nil
}

// exit returns the pattern by which a request asks the app to sign its user out, and reports whether it does.
func (p *Policy) exit(r *http.Request, path match.Path) (pattern string, exits bool) {
	if !path.Canonical {
		return "", false
	}
	for _, e := range p.exits {
		if e.path.Match(path.Text) && e.asked(r) {
			return e.written, true
		}
	}
	return "", false
}

func (e exit) asked(r *http.Request) bool {
	if len(e.query) == 0 {
		return true
	}
	query := r.URL.Query()
	for name, want := range e.query {
		for _, value := range want {
			if !slices.Contains(query[name], value) {
				return false
			}
		}
	}
	return true
}
