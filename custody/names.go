package custody

import (
	"slices"
	"strings"
	"sync/atomic"

	"sallyport.example/sallyport/internal/match"
)

// The classes of bytes, in one table, so that a request's cookies are judged in one pass each.
const (
	classToken = 1 << iota // RFC 9110 §5.6.2: may be in a name
	classValue             // 0x21 to 0x7e except `"`, `;` and `\`: may be in a browser's value
	classQuick             // its fold does not depend on the bytes beside it
)

var classes = func() (table [256]byte) {
	for c := byte(0x21); c <= 0x7e; c++ {
		if match.TokenByte(c) {
			table[c] |= classToken
		}
		if strings.IndexByte(`";\`, c) < 0 {
			table[c] |= classValue
		}
		if strings.IndexByte(`%["`, c) < 0 {
			table[c] |= classQuick
		}
	}
	return table
}()

// allOf reports whether each byte of text is of the class.
func allOf(text string, class byte) bool {
	for i := range len(text) {
		if classes[text[i]]&class == 0 {
			return false
		}
	}
	return true
}

// hasControl reports whether text has a control character that no header may have. The tab is white space.
func hasControl(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// returnableName reports whether a browser's cookie may have a name: it must be an RFC 6265 token, and not one of RFC
// 2965's `$Version`, `$Path` and so on, which change how Java and Python read the cookies beside them.
func returnableName(name string) bool {
	return name != "" && name[0] != '$' && allOf(name, classToken)
}

// returnableValue reports whether a browser's cookie may have a value. No server may read anything in it as the end of
// the cookie or the beginning of another: it must have no white space, semicolon or backslash, and quotes only as one
// pair around the whole. It must have no `=` after a comma, because old Rack, Perl's CGI and Tomcat's legacy parser end
// a cookie at a comma.
func returnableValue(value string) bool {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	if !allOf(value, classValue) {
		return false
	}
	comma := strings.IndexByte(value, ',')
	return comma < 0 || strings.IndexByte(value[comma:], '=') < 0
}

// strayQuote reports whether a server that honours quotes could read past the end of text. Servers agree only on one
// pair of quotes around the whole. Where else a quote counts, and where a backslash escapes it, each has its own rules,
// so any other quote counts as open.
func strayQuote(text string) bool {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
		if strings.IndexByte(text, '\\') >= 0 {
			return true
		}
	}
	return strings.IndexByte(text, '"') >= 0 || strings.HasSuffix(text, `\`)
}

// isAttribute reports whether a name is, in any case, that of a cookie's attribute. Old Java refuses such cookies, and
// Python reads them as attributes.
func isAttribute(name string) bool {
	for _, attribute := range [...]string{
		"Version", "Path", "Domain", "Expires", "Max-Age", "Comment", "Discard", "Secure", "HttpOnly", "SameSite", "Partitioned",
	} {
		if strings.EqualFold(name, attribute) {
			return true
		}
	}
	return false
}

// forScripts reports whether apps use a name for a token against cross-site requests that their scripts read.
func forScripts(name string) bool {
	for i := 0; i+4 <= len(name); i++ {
		if c := name[i] | 0x20; (c == 'c' || c == 'x') && name[i+1]|0x20 == 's' && name[i+2]|0x20 == 'r' && name[i+3]|0x20 == 'f' {
			return true
		}
	}
	return false
}

// foldByte returns the fold of one byte of class classQuick.
func foldByte(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case c == '.' || c == '+':
		return '_'
	}
	return c
}

// sameFold reports whether match.FoldName(a) == match.FoldName(b), without allocations for ordinary names.
func sameFold(a, b string) bool {
	if !allOf(a, classQuick) || !allOf(b, classQuick) {
		return match.FoldName(a) == match.FoldName(b)
	}
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if foldByte(a[i]) != foldByte(b[i]) {
			return false
		}
	}
	return true
}

// anyFold reports whether one of names has the fold of name.
func anyFold(names []string, name string) bool {
	for _, other := range names {
		if sameFold(other, name) {
			return true
		}
	}
	return false
}

// globsFold reports whether a name that an app could mistake for name fits one of the patterns: both are folded first.
func globsFold(patterns match.Globs, name string) bool {
	if len(patterns) == 0 {
		return false
	}
	if patterns.Match(name) {
		return true
	}
	if !allOf(name, classQuick) {
		name = match.FoldName(name)
	}
	for _, pattern := range patterns {
		text := string(pattern)
		if !allOf(text, classQuick) {
			text = match.FoldName(text)
		}
		if globFold(text, name) {
			return true
		}
	}
	return false
}

// globFold is match.Glob's Match under foldByte: on a mismatch, the last `*` takes one more byte.
func globFold(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && foldByte(pattern[p]) == foldByte(name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// heldNames knows which names are held. It folds the unusual names of a jar once, when it is first asked about them.
type heldNames struct {
	jar    *Jar
	folded []string // by position in the jar, "" for names that fold quickly; nil until needed
}

func (h *heldNames) has(name string) bool {
	if h.jar == nil {
		return false
	}
	quick, folded := allOf(name, classQuick), ""
	if !quick {
		folded = match.FoldName(name)
	}
	for i := range h.jar.cookies {
		other := h.jar.cookies[i].Name
		otherQuick := allOf(other, classQuick)
		var same bool
		switch {
		case quick && otherQuick:
			same = sameFold(name, other)
		case quick:
			same = foldsTo(name, h.foldedAt(i))
		case otherQuick:
			same = foldsTo(other, folded)
		default:
			same = folded == h.foldedAt(i)
		}
		if same {
			return true
		}
	}
	return false
}

// foldsTo reports whether folded is the fold of a name that is all classQuick.
func foldsTo(name, folded string) bool {
	if len(name) != len(folded) {
		return false
	}
	for i := range len(name) {
		if foldByte(name[i]) != folded[i] {
			return false
		}
	}
	return true
}

func (h *heldNames) foldedAt(i int) string {
	if h.folded == nil {
		h.folded = make([]string, len(h.jar.cookies))
	}
	if h.folded[i] == "" {
		h.folded[i] = match.FoldName(h.jar.cookies[i].Name)
	}
	return h.folded[i]
}

// MaxNames is how many names are learned at most. An app has a handful; if an app keeps inventing names, no more are
// learned.
const MaxNames = 256

// Names is a growing set of cookies' names: those that a login of this site put into custody. A nil Names is empty. It
// is safe for concurrent use, and reading it takes no lock.
type Names struct{ known atomic.Pointer[[]string] }

// Has reports whether an app could mistake name for one of the set.
func (n *Names) Has(name string) bool {
	if n == nil {
		return false
	}
	known := n.known.Load()
	return known != nil && anyFold(*known, name)
}

// Add adds names to the set, and returns those that are new. Names beyond MaxNames are left out.
func (n *Names) Add(names ...string) (added []string) {
	for {
		before := n.known.Load()
		var next []string
		if before != nil {
			next = slices.Clone(*before)
		}
		added = nil
		for _, name := range names {
			if name = match.FoldName(name); name != "" && len(next) < MaxNames && !anyFold(next, name) {
				next, added = append(next, name), append(added, name)
			}
		}
		if len(added) == 0 || n.known.CompareAndSwap(before, &next) {
			return added
		}
	}
}

// All returns the names, folded.
func (n *Names) All() []string {
	if known := n.known.Load(); known != nil {
		return slices.Clone(*known)
	}
	return nil
}
