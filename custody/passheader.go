package custody

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// PassHeader names a header that clients may send to the app though the policy knows better (pass_header): a
// credential, an identity that something before the gateway states, or any header of an app's own that strangers send.
type PassHeader struct {
	// Name is let through in the spelling given here, in any case.
	Name string
	// Paths are where it is let through, over canonical paths; none means everywhere.
	Paths match.Globs
}

// NewPassHeaders makes rules that let the named headers through everywhere.
func NewPassHeaders(names ...string) []PassHeader {
	passed := make([]PassHeader, len(names))
	for i, name := range names {
		passed[i].Name = name
	}
	return passed
}

// Validate returns what is wrong with a rule, one without effect included.
func (p PassHeader) Validate() error {
	if p.Name == "" || !allOf(p.Name, classToken) {
		return fmt.Errorf("%q: want the name of a header", p.Name)
	}
	folded := appendFold(nil, p.Name)
	switch fateOf(folded) {
	case fateDrop, fateMethod, fateHop:
		return fmt.Errorf("%s: it changes what a request is, or what the gateway says of it, and cannot be let through", p.Name)
	case fateOpen, fateSpelled:
		if !strings.EqualFold(p.Name, string(folded)) {
			return fmt.Errorf("%s: another spelling of %s cannot be let through", p.Name, textproto.CanonicalMIMEHeaderKey(string(folded)))
		}
	}
	for _, path := range p.Paths {
		if !strings.HasPrefix(string(path), "/") && path != "*" {
			return fmt.Errorf("%s: path %q: want a path such as /api/*", p.Name, string(path))
		}
		if strings.ContainsAny(string(path), "?#") {
			return fmt.Errorf("%s: path %q: want a path without a query", p.Name, string(path))
		}
	}
	if p.Paths != nil && len(p.Paths) == 0 {
		return errors.New(p.Name + ": 'for' wants a path")
	}
	return nil
}

// passes reports whether the operator lets a header through at a path. The spelling counts, but not upper and lower
// case: whoever names X-Api-Key does not mean X_Api_Key.
func (p *HeaderPolicy) passes(name string, path match.Path) bool {
	if p == nil || len(p.Pass) == 0 || textproto.CanonicalMIMEHeaderKey(name) != name {
		return false
	}
	for _, pass := range p.Pass {
		if strings.EqualFold(pass.Name, name) && (len(pass.Paths) == 0 || path.Canonical && pass.Paths.Match(path.Text)) {
			return true
		}
	}
	return false
}
