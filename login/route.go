package login

import (
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// spelling is how a request names a path or a method of a block.
type spelling byte

const (
	// other: it names something else.
	other spelling = iota
	// loose: some servers would take it for the block's.
	loose
	// exact: in the one spelling on which all agree.
	exact
)

// route compares one request with blocks. For ordinary paths it does not work out the loose form, so that a request
// that is no login costs no allocation.
type route struct {
	path match.Path
	// folded: the loose form is the text in lower case and without a slash at the end.
	folded bool
	ready  bool
}

// of is how the request names the block's path.
func (s *route) of(b *Block, c *compiled) spelling {
	if c.standing {
		return other
	}
	return s.pathSpelling(b, c)
}

func methodSpelling(methods []string, method string) spelling {
	best := other
	for _, m := range methods {
		if m == method {
			return exact
		}
		// HEAD is run by the code for GET in most apps.
		if strings.EqualFold(m, method) || m == "GET" && strings.EqualFold(method, "HEAD") {
			best = loose
		}
	}
	return best
}

func (s *route) pathSpelling(b *Block, c *compiled) spelling {
	if s.path.Canonical && b.Paths.Match(s.path.Text) {
		return exact
	}
	if s.matches(c.loose) {
		return loose
	}
	return other
}

// matches compares the loose form with globs in lower case.
func (s *route) matches(globs match.Globs) bool {
	if !s.ready {
		s.ready = true
		s.folded = s.path.Canonical && foldable(s.path.Text)
	}
	if !s.folded {
		return s.path.Fits(globs)
	}
	text := s.path.Text
	if len(text) > 1 && text[len(text)-1] == '/' {
		text = text[:len(text)-1]
	}
	for _, glob := range globs {
		if matchFolded(string(glob), text) {
			return true
		}
	}
	return false
}

// foldable paths have nothing that their loose form would lose but capitals and one slash at the end.
func foldable(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '~', c == '@', c == ':', c == '+', c == ',', c == '=':
		case c == '/':
			if i > 0 && path[i-1] == '/' {
				return false
			}
		case c == '.':
			if i == 0 || path[i-1] == '/' || i+1 == len(path) || path[i+1] == '/' {
				return false
			}
		default:
			return false
		}
	}
	return path != "" && path[0] == '/'
}

// matchFolded is match.Glob.Match for a pattern in lower case and ASCII text in any case.
func matchFolded(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == lower(text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
