package login

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// spelling is how a request spells a path or a method of a block.
type spelling byte

const (
	// other: it is another path or method.
	other spelling = iota
	// loose: some servers would treat it as the block's.
	loose
	// exact: it has the one spelling that all servers read alike.
	exact
)

// route compares one request with blocks. For ordinary paths it does not compute the loose form, so that a request that
// is not a login costs no allocation.
type route struct {
	path match.Path
	// folded: the loose form is the text in lower case and without a slash at the end.
	folded bool
	ready  bool
}

// of returns how the request spells the block's path.
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
		// Most apps run the code for GET for HEAD too.
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

// foldable reports whether a path differs from its loose form at most by capitals and one slash at the end.
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

// described are the fields that a login may carry, with their allowed values.
type described map[string]match.Globs

// anyValue is the pattern for a field whose value is not restricted.
const anyValue = "*"

// parseField reads a word of Fields: a name, or `name=glob`.
func parseField(word string) (name string, value match.Glob, valued bool) {
	name, text, valued := strings.Cut(word, "=")
	if !valued {
		text = anyValue
	}
	return name, match.Glob(text), valued
}

func (d described) add(name string, value match.Glob) { d[name] = append(d[name], value) }

// wants reports whether a field that the login does not carry is required.
func (d described) wants(seen map[string]string) bool {
	for name, values := range d {
		if _, there := seen[name]; !there && !values.Match("") {
			return true
		}
	}
	return false
}

// undescribed names a field that a login carries besides those that its block describes, or one with another value. It
// is empty if there is none, or if the block describes no fields. An additional field could make the app read another
// name than the one that was judged, or do something that only a signed-in user may do.
func (x *examination) undescribed(c *compiled) string {
	if c.fields == nil {
		return ""
	}
	query, flaw := x.readQuery()
	if flaw != "" {
		// One field to one server may be two to another.
		return "query with " + flaw
	}
	for _, list := range [][]field{query, x.form} {
		for _, f := range list {
			switch values, there := c.fields[f.name]; {
			case f.file || f.foreign:
				return "a field that is no text"
			case !there:
				return "a field that is not described"
			case !values.Match(f.value):
				return "a field with a value that is not described"
			}
		}
	}
	// A form may be sent to the address of its page, with `next` in both. If there are two values, apps differ in which
	// one they use.
	seen := make(map[string]string)
	for _, list := range [][]field{query, x.form} {
		here := make(map[string]bool)
		for _, f := range list {
			if other, again := seen[f.name]; here[f.name] || again && other != f.value {
				return "a field that stands twice"
			}
			here[f.name], seen[f.name] = true, f.value
		}
	}
	members := make(map[string]string)
	switch {
	case x.shape == otherBody:
		return "a body that is neither form nor JSON"
	case x.shape == jsonBody && !describedJSON(&x.json, "", c.pointers, members):
		return "a member that is not described, or with a value that is not"
	case c.fields.wants(seen) || c.pointers.wants(members):
		return "a field that has to be there is not"
	}
	return ""
}

// describedJSON reports whether each value of a document that has no children is at one of the pointers, is plain, and
// has an allowed value; seen gets what it found. An empty list or object is a value too: in some languages it is true.
func describedJSON(n *node, pointer string, fields described, seen map[string]string) bool {
	if values, there := fields[pointer]; there {
		seen[pointer] = n.text
		return n.kind != array && n.kind != object && values.Match(n.text)
	}
	if n.kind != array && n.kind != object || pointer != "" && len(n.members)+len(n.items) == 0 {
		return false
	}
	for i := range n.members {
		if !describedJSON(&n.members[i].value, pointer+"/"+escapePointer(n.members[i].name), fields, seen) {
			return false
		}
	}
	for i := range n.items {
		if !describedJSON(&n.items[i], pointer+"/"+strconv.Itoa(i), fields, seen) {
			return false
		}
	}
	return true
}

const flawCharset = "another charset than UTF-8"

// media is a content type that all servers read alike.
type media struct {
	kind     string
	boundary string
}

const (
	mediaForm      = "application/x-www-form-urlencoded"
	mediaMultipart = "multipart/form-data"
)

func (m media) json() bool {
	return strings.Contains(m.kind, "json") // text/json, application/x-json: many servers look at the body only
}

// readMedia reads a Content-Type value. Many servers look for `charset=` and `boundary=` anywhere in it, even in the
// name of another parameter or between quotes (PHP, the .NET Framework, old Tomcat). So values must be tokens, and a
// form may have no parameter except these two; those after RFC 2231 are read by some servers only.
func readMedia(value string) (m media, flaw string) {
	if value == "" {
		return m, ""
	}
	if strings.ContainsAny(value, ",*\\'\x00") || strings.ContainsFunc(value, func(r rune) bool { return r > '~' || r < ' ' }) {
		return m, "malformed content type"
	}
	kind, parameters, err := mime.ParseMediaType(value)
	if err != nil {
		return m, "malformed content type"
	}
	m.kind = kind
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return m, flawCharset
	}
	for parameter, text := range parameters {
		known := parameter == "charset" || parameter == "boundary" && kind == mediaMultipart
		if !known && (kind == mediaForm || kind == mediaMultipart || strings.Contains(parameter, "charset")) || !match.IsToken(text) {
			return m, "unexpected parameter of the content type"
		}
	}
	if kind != mediaMultipart {
		return m, ""
	}
	m.boundary = parameters["boundary"]
	if len(m.boundary) == 0 || len(m.boundary) > 70 {
		return m, "malformed multipart boundary"
	}
	for i := range len(m.boundary) {
		c := m.boundary[i]
		if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && strings.IndexByte("-_.+", c) < 0 {
			return m, "malformed multipart boundary"
		}
	}
	return m, ""
}

// requestMedia reads the content type of a request. A second line, another spelling of the header's name, or a content
// encoding are flaws, because two servers could read the body in two ways.
func requestMedia(h http.Header) (m media, flaw string) {
	value := ""
	for key, values := range h {
		switch len(key) {
		case len("Content-Type"):
			if match.FoldHeader(key) != "content-type" {
				continue
			}
			if len(values) > 1 || key != "Content-Type" {
				return m, "more than one content type"
			}
			if len(values) == 1 {
				value = values[0]
			}
		case len("Content-Encoding"):
			if match.FoldHeader(key) != "content-encoding" {
				continue
			}
			for _, v := range values {
				if key != "Content-Encoding" || v != "" && !strings.EqualFold(strings.TrimSpace(v), "identity") {
					return m, "encoded body"
				}
			}
		}
	}
	return readMedia(value)
}

// urlencoded reports whether some server could read the body as an urlencoded form. PHP checks only how the content
// type begins, and ignores the charset.
func urlencoded(h http.Header) bool {
	for key, values := range h {
		if len(key) != len("Content-Type") || match.FoldHeader(key) != "content-type" {
			continue
		}
		for _, value := range values {
			if strings.Contains(strings.ToLower(value), mediaForm) {
				return true
			}
		}
	}
	return false
}
