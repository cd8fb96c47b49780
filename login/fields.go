package login

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sallyport.example/sallyport/internal/match"
)

// field is one name and value of a query or a form.
type field struct {
	name, value string
	// file: the value is an uploaded file.
	file bool
	// foreign: the value is of a type other than plain text, and some frameworks decode it.
	foreign bool
}

// target is a field that the configuration names, folded as servers fold the names that they receive.
//
// PHP reads `auth[username]` as element username of auth, `user.name` and `user[name` as user_name, and `user[]` as a
// list in user. Others read `auth.username` like `auth[username]`; others again ignore case.
type target struct {
	// exact is the name of the field, or the JSON pointer.
	exact string
	// tokens are the parts of the pointer; nil for forms and queries.
	tokens []string
	// parts are the base and the keys in brackets, or the tokens of the pointer, each folded.
	parts []string
	// flat is all letters and digits, folded, with one `_` for everything between them.
	flat string
}

// hit is a value that some server could take for a target's.
type hit struct {
	value string
	// exact: under exactly the target's name. False for every alias, and inside a batch.
	exact bool
	// plain: the value is text; false for a file, and for a JSON value other than a string.
	plain bool
}

func newTarget(kind Kind, exact string) target {
	t := target{exact: exact}
	switch kind {
	case Form, Query:
		t.parts = fieldParts(decodeName(exact))
		t.flat = flatten(exact)
	case JSON:
		t.tokens, _ = parsePointer(exact)
		for _, part := range t.tokens {
			t.parts = append(t.parts, foldText(part))
		}
		t.flat = flatten(strings.Join(t.tokens, "_"))
	}
	return t
}

// formHits returns the fields that some server could take for t's.
func formHits(fields []field, t target) []hit {
	var hits []hit
	for _, f := range fields {
		if f.name == t.exact || clashes(f.name, t) {
			hits = append(hits, hit{value: f.value, exact: f.name == t.exact && t.tokens == nil, plain: !f.file && !f.foreign})
		}
	}
	return hits
}

// clashes reports whether some server could take the name for t's, or one of the two for a part of the other.
func clashes(name string, t target) bool {
	if len(t.parts) == 0 {
		return false
	}
	if ordinary(name) && name != t.parts[0] && !strings.ContainsAny(name, "_-") {
		return name == t.flat
	}
	decoded := decodeName(name)
	if t.flat != "" && flatten(decoded) == t.flat {
		return true
	}
	parts := fieldParts(decoded)
	shorter := min(len(parts), len(t.parts))
	return slices.Equal(parts[:shorter], t.parts[:shorter])
}

// ordinary reports whether a name is the same under every fold except the flat one.
func ordinary(name string) bool {
	for i := range len(name) {
		if c := name[i]; ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func decodeName(name string) string {
	for range 3 {
		again, err := url.PathUnescape(name)
		if err != nil || again == name {
			break
		}
		name = again
	}
	return name
}

// fieldParts splits a[b][c] into a, b, c.
func fieldParts(decoded string) []string {
	parts := []string{foldText(match.FoldName(decoded))}
	at := strings.IndexByte(decoded, '[')
	if at <= 0 {
		return parts
	}
	rest := decoded[at:]
	for strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			break
		}
		parts = append(parts, foldText(strings.TrimSpace(rest[1:end])))
		rest = rest[end+1:]
	}
	return parts
}

// jsonHits returns the values of a document that some server could take for t's. It walks the document once, whatever
// its shape: it follows a path from the top only while that can still lead to t.
func jsonHits(root *node, t target) []hit {
	var hits []hit
	walkJSON(root, t, way{exact: t.tokens != nil, parts: true, flat: true, rest: t.flat}, &hits)
	// In a batch, each element may have what the document may have.
	for i := range root.items {
		walkJSON(&root.items[i], t, way{parts: true, flat: true, rest: t.flat}, &hits)
	}
	return hits
}

// way is how far the names from the top match a target.
type way struct {
	depth int
	// exact: the names so far are the pointer's own; parts: they are equal when folded; flat: they are equal when
	// flattened, and rest is what must follow.
	exact, parts, flat bool
	rest               string
}

func (w way) step(name string, t target) way {
	w.exact = w.exact && w.depth < len(t.tokens) && t.tokens[w.depth] == name
	if w.parts && w.depth < len(t.parts) {
		w.parts = t.parts[w.depth] == foldText(name)
	}
	w.depth++
	if part := flatten(name); w.flat && part != "" {
		rest := w.rest
		if len(rest) < len(t.flat) {
			rest, w.flat = strings.CutPrefix(rest, "_")
		}
		if w.flat {
			w.rest, w.flat = strings.CutPrefix(rest, part)
		}
	}
	return w
}

func walkJSON(n *node, t target, w way, hits *[]hit) {
	if !w.parts && !w.flat {
		return
	}
	full := w.parts && w.depth >= len(t.parts) || w.flat && w.rest == ""
	cut := w.parts && w.depth < len(t.parts) && n.kind == text
	if w.depth > 0 && len(t.parts) > 0 && (full || cut) {
		*hits = append(*hits, hit{value: n.text, exact: w.exact && w.depth == len(t.tokens), plain: n.kind == text})
	}
	for i := range n.members {
		walkJSON(&n.members[i].value, t, w.step(n.members[i].name, t), hits)
	}
	for i := range n.items {
		walkJSON(&n.items[i], t, w.step(strconv.Itoa(i), t), hits)
	}
}

// foldRune makes letters equal that share a capital: K, k and the Kelvin sign; S, s and ſ; I, i, İ and ı.
func foldRune(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

func foldText(s string) string { return strings.Map(foldRune, s) }

func flatten(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		b.WriteRune(foldRune(r))
	}
	return b.String()
}

// controls reports whether r is a control character (C0, DEL, C1).
func controls(r rune) bool { return r < ' ' || 0x7f <= r && r <= 0x9f }

// NameLimit is the longest name of an account, in bytes.
const NameLimit = 1024

// ErrName is wrapped by the error for every refused name.
var ErrName = errors.New("name refused")

// Names says how typed names are normalised. The zero value suits most apps.
type Names struct {
	// CaseSensitive distinguishes upper and lower case.
	CaseSensitive bool
	// Allowed, if set, must match the whole of the normalised name, and of the typed one, because an app may
	// distinguish the two. Space around the name is ignored, because keyboards add it. If case does not matter, the
	// name may be typed in either case.
	Allowed *regexp.Regexp
}

// Normalise turns a typed name into the form under which a record is kept: without space around it, in Unicode's form
// NFKC, in lower case. Lower case means that letters with the same capital become one letter, so that σ, ς and Σ, or s
// and ſ, do not give one account a second name.
//
// Names that are empty, too long, not UTF-8, or contain invisible characters are refused. Errors are ErrName and
// contain nothing of the name.
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
	// Each step may undo another: NFKC turns a capital sharp or a superscript into letters, and folding makes new
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

// foldName folds each letter separately from its marks, so that the form and order in which the marks were typed do not
// matter. The dot of an i does not count as a mark: İ is I with a dot above to some apps, i with one to others, and i
// to the rest.
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

// ordinaryLower returns a text in lower case. It leaves a letter unchanged that is not the capital of its own lower
// case (such as the Kelvin sign).
func ordinaryLower(text string) string {
	return strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); unicode.ToUpper(lower) == r {
			return lower
		}
		return r
	}, text)
}

// fits reports whether the pattern matches the whole of a name.
func fits(pattern *regexp.Regexp, name string) bool {
	// If any match is the whole name, the longest match from the start is.
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

// unseen reports whether a character is invisible: control, format (including bidirectional), unassigned and private
// characters, line separators, variation selectors, and fillers. Many databases ignore some of them when they compare.
func unseen(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		r == 0x2800 || r == utf8.RuneError
}
