package login

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sallyport.example/sallyport/internal/match"
)

// field is one name and value of a query or a form.
type field struct {
	name, value string
	// file: the value is an uploaded file.
	file bool
	// foreign: the value is of a type other than plain text, and decoded by some frameworks.
	foreign bool
}

// target is a field that the configuration names, folded as servers fold the names that they are sent.
//
// PHP reads `auth[username]` as element username of auth, `user.name` and `user[name` as user_name, `user[]` as a list
// in user. Others read `auth.username` like `auth[username]`; others again ignore case.
type target struct {
	// exact is the name of the field, or the JSON pointer.
	exact string
	// tokens are the parts of the pointer; nil for forms and queries.
	tokens []string
	// parts are the base and the keys in brackets, or the tokens of the pointer, each folded.
	parts []string
	// flat is all letters and digits, folded, with one `_` for whatever stands between.
	flat string
}

// hit is a value that some server could take for a target's.
type hit struct {
	value string
	// exact: under the target's very name. False for every alias, and inside a batch.
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

// formHits returns the fields that could be taken for t.
func formHits(fields []field, t target) []hit {
	var hits []hit
	for _, f := range fields {
		if f.name == t.exact || clashes(f.name, t) {
			hits = append(hits, hit{value: f.value, exact: f.name == t.exact && t.tokens == nil, plain: !f.file && !f.foreign})
		}
	}
	return hits
}

// clashes reports whether some server could take the name for t's, or the one for a part of the other.
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

// ordinary names are the same under every fold, but for the flat one.
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

// jsonHits returns the values of a document that could be taken for t. It walks the document once, whatever its shape:
// a way from the top is followed only while it can still lead to t.
func jsonHits(root *node, t target) []hit {
	var hits []hit
	walkJSON(root, t, way{exact: t.tokens != nil, parts: true, flat: true, rest: t.flat}, &hits)
	// A batch: what the document may say, each of its elements may.
	for i := range root.items {
		walkJSON(&root.items[i], t, way{parts: true, flat: true, rest: t.flat}, &hits)
	}
	return hits
}

// way is how far the names from the top agree with a target.
type way struct {
	depth int
	// exact: the names are the pointer's own so far; parts: equal when folded; flat: equal when flattened, rest is to
	// come.
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

// foldRune brings letters together that share a capital: K, k and the Kelvin sign; S, s and ſ; I, i, İ and ı.
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
