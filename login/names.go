package login

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// NameLimit is the longest name of an account, in bytes.
const NameLimit = 1024

// ErrName is what every refused name comes down to.
var ErrName = errors.New("name refused")

// Names says how typed names are brought into one form. The zero value suits most apps.
type Names struct {
	// CaseSensitive keeps upper and lower case apart.
	CaseSensitive bool
	// Allowed, if set, must fit the whole of the normalised name, and of what was typed: an app may tell the two apart.
	// Space around it does not count, which keyboards add; where case does not count, it may be typed in either.
	Allowed *regexp.Regexp
}

// Normalise brings a typed name into the form under which a record is kept: without space around it, in Unicode's form
// NFKC, in lower case. Lower case means that letters with one capital become one letter, so that σ, ς and Σ, or s and
// ſ, are no way to a second name for one account.
//
// Names that are empty, too long, not UTF-8, or hold characters that cannot be seen are refused; errors are ErrName and
// hold nothing of the name.
func (n Names) Normalise(typed string) (string, error) {
	if len(typed) > 4*NameLimit {
		return "", fmt.Errorf("%w: too long", ErrName)
	}
	if !utf8.ValidString(typed) {
		return "", fmt.Errorf("%w: not UTF-8", ErrName)
	}
	if strings.ContainsFunc(typed, unseen) {
		return "", fmt.Errorf("%w: invisible or control character", ErrName)
	}
	name := typed
	// Each step may undo another: NFKC turns a capital sharp or a superscript into letters, folding makes new
	// sequences.
	for range 8 {
		before := name
		name = norm.NFKC.String(name)
		if !n.CaseSensitive {
			name = foldName(name)
		}
		name = strings.TrimSpace(norm.NFKC.String(name))
		if name == before {
			return n.check(name, typed)
		}
	}
	return "", fmt.Errorf("%w: no stable form", ErrName)
}

// foldName folds letter by letter, marks apart, so that it does not matter in which form and order the marks were
// typed. The dot of an i is no mark: İ is I with a dot above to some apps, i with one to others, and i to the rest.
func foldName(s string) string {
	var b strings.Builder
	base := rune(0)
	for _, r := range norm.NFKD.String(s) {
		r = foldRune(r)
		if !unicode.Is(unicode.Mn, r) {
			base = r
		} else if r == '\u0307' && base == 'i' {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ordinaryLower is a text in lower case, but for the letters that are no capitals of others (the Kelvin sign, say).
func ordinaryLower(text string) string {
	return strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); unicode.ToUpper(lower) == r {
			return lower
		}
		return r
	}, text)
}

// fits reports whether the pattern fits the whole of a name.
func fits(pattern *regexp.Regexp, name string) bool {
	// The longest match from the start is the whole name, if any match is.
	longest := *pattern
	longest.Longest()
	at := longest.FindStringIndex(name)
	return at != nil && at[0] == 0 && at[1] == len(name)
}

func (n Names) check(name, typed string) (string, error) {
	switch {
	case name == "":
		return "", fmt.Errorf("%w: empty", ErrName)
	case len(name) > NameLimit:
		return "", fmt.Errorf("%w: too long", ErrName)
	case strings.ContainsFunc(name, unseen):
		return "", fmt.Errorf("%w: invisible or control character", ErrName)
	}
	typed = strings.TrimSpace(typed)
	if n.Allowed != nil && (!fits(n.Allowed, name) || !fits(n.Allowed, typed) && (n.CaseSensitive || !fits(n.Allowed, ordinaryLower(typed)))) {
		return "", fmt.Errorf("%w: not of the allowed form", ErrName)
	}
	return name, nil
}

// unseen characters have no ink: control, format (the bidirectional ones among them), unassigned and private ones, line
// separators, variation selectors, and fillers. Databases drop many of them when they compare.
func unseen(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		r == 0x2800 || r == utf8.RuneError
}
