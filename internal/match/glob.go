package match

import "strings"

// Glob is a pattern in which each `*` stands for any run of characters, the empty one and slashes included. All else is
// compared byte for byte.
type Glob string

// Match reports whether the whole of name fits the pattern.
func (g Glob) Match(name string) bool {
	pattern := string(g)
	first := strings.IndexByte(pattern, '*')
	if first < 0 {
		return pattern == name
	}
	if !strings.HasPrefix(name, pattern[:first]) {
		return false
	}
	name, pattern = name[first:], pattern[first+1:]
	for {
		next := strings.IndexByte(pattern, '*')
		if next < 0 {
			return strings.HasSuffix(name, pattern)
		}
		at := strings.Index(name, pattern[:next])
		if at < 0 {
			return false
		}
		name, pattern = name[at+next:], pattern[next+1:]
	}
}

// Globs is a list of patterns, any of which may fit.
type Globs []Glob

// NewGlobs makes a list of the given patterns.
func NewGlobs(patterns ...string) Globs {
	globs := make(Globs, len(patterns))
	for i, pattern := range patterns {
		globs[i] = Glob(pattern)
	}
	return globs
}

// Match reports whether name fits one of the patterns.
func (gs Globs) Match(name string) bool { return gs.Index(name) >= 0 }

// Index is which of the patterns name fits first; -1 where it fits none.
func (gs Globs) Index(name string) int {
	for i, g := range gs {
		if g.Match(name) {
			return i
		}
	}
	return -1
}
