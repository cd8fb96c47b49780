package login

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// Exit is a sign-out without an address of its own: a method of an interface for scripts, or a field of a form.
type Exit struct {
	// Path is a glob over canonical paths.
	Path match.Glob
	// Field is the field of the body by which it is known. Its Kind is Form or JSON.
	Field Condition
}

// SignsOut reports whether a request asks the app to sign its user out, as its body says. The answer opens no door, so
// the body is read generously. At most BodyLimit of the body is read, and nothing if the path is another one; r.Body
// afterwards yields the bytes that the client sent.
func (s *Set) SignsOut(r *http.Request, path match.Path) bool {
	var look *examination
	return slices.ContainsFunc(s.Exits, func(e Exit) bool {
		if !path.Canonical || !e.Path.Match(path.Text) || !match.HasBody(r) {
			return false
		}
		if look == nil {
			look = &examination{request: r}
			look.readBody(BodyLimit)
		}
		return anyLoose(look.bodyHits(newTarget(e.Field.Kind, e.Field.Name)), e.Field.Value)
	})
}

// Validate checks an exit.
func (e *Exit) Validate() error {
	switch {
	case !strings.HasPrefix(string(e.Path), "/") || strings.ContainsAny(string(e.Path), "?#"):
		return fmt.Errorf("logout %q: want a path such as /jsonrpc", string(e.Path))
	case e.Field.Kind != Form && e.Field.Kind != JSON:
		return fmt.Errorf("logout %s %q: want form or json", string(e.Path), string(e.Field.Kind))
	case e.Field.Name == "" || e.Field.Value == "":
		return fmt.Errorf("logout %s %s: want the name of a field, and its value", string(e.Path), string(e.Field.Kind))
	case e.Field.Kind == JSON:
		if _, err := parsePointer(e.Field.Name); err != nil {
			return fmt.Errorf("logout %s json %q: %w", string(e.Path), e.Field.Name, err)
		}
	}
	return nil
}

// KnownBy reports whether an app that cannot be asked recognises its user by one of the cookies: by one that `success`
// names or, if it names none, by any that a login set and that does not change in normal use.
func (s *Set) KnownBy(cookies []string, rotates match.Globs) bool {
	if len(cookies) == 0 {
		return false
	}
	var named match.Globs
	for i := range s.Blocks {
		for _, line := range s.Blocks[i].Success {
			for _, rule := range line {
				if rule.Kind == Cookie {
					named = append(named, match.Glob(rule.Name))
				}
			}
		}
	}
	return slices.ContainsFunc(cookies, func(name string) bool {
		return named.Match(name) || named == nil && !rotates.Match(name)
	})
}
