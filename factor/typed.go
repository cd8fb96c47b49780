package factor

import (
	"strings"
	"unicode"
)

// MaxTyped is the longest text in bytes that is looked at as a code at all.
const MaxTyped = 256

// StripSeparators removes from a typed code spaces of every kind, dashes, and invisible marks that come along when a
// code is copied. An overlong text comes back empty.
func StripSeparators(typed string) string {
	if len(typed) > MaxTyped {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\u2212' || unicode.In(r, unicode.Zs, unicode.Pd, unicode.Cf) {
			return -1
		}
		return r
	}, typed)
}
