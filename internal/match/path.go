package match

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Path is a request's path in the two spellings that decisions are made on.
//
// Apps decode and tidy paths each in their own way: `/login/`, `/login;x`, `/%6cogin` and `/login%00` are `/login` to
// many of them. A rule that lets a request through is therefore only ever compared with the Text of a path whose
// Canonical is true; a rule that keeps a request back is compared with Loose.
type Path struct {
	// Text is the decoded path, as Go has it in URL.Path.
	Text string
	// Canonical tells that the path was sent in the one spelling on which all servers agree.
	Canonical bool
}

// ParsePath reads the path of a request's URL. A URL without a path (`*`, or the authority form of CONNECT) is never
// canonical.
func ParsePath(u *url.URL) Path {
	if u.RawPath == "" && plain(u.Path) {
		return Path{Text: u.Path, Canonical: true}
	}
	return Path{Text: u.Path, Canonical: canonical(u.Path, u.EscapedPath())}
}

// Loose is the path as the most forgiving of servers would read it: decoded until nothing is left to decode, without
// path parameters, control characters, empty and dot segments or a slash, dot or space at the end of a segment, in
// lower case. Two spellings that any known server takes for the same resource have the same loose form.
func (p Path) Loose() string { return LoosePath(p.Text) }

// EndsEarly reports whether some server would read only the beginning of the path: one that takes a zero byte for the
// end of the text, as programs in C do. To such a server `/login%00.css` is `/login`, to others `/log%00in` is. Nobody
// needs such a path, and no loose form covers both.
func (p Path) EndsEarly() bool {
	return !p.Canonical && strings.IndexByte(unescapeAll(p.Text), 0) >= 0
}

// Climbs reports whether some server would read a part of the path as one that leads up. Browsers resolve such paths
// before they send them, and what one server leaves, another resolves: no rule for paths holds there.
func (p Path) Climbs() bool {
	if p.Canonical {
		return false
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(likeASCII(unescapeAll(p.Text)), `\`, "/"), "/") {
		if _, climbs := looseSegment(segment); climbs {
			return true
		}
	}
	return false
}

// LoosePath is Path.Loose for a path that is already decoded once.
func LoosePath(decoded string) string {
	var segments []string
	for segment := range strings.SplitSeq(loosen(decoded), "/") {
		segment, climbs := looseSegment(segment)
		switch {
		case climbs && len(segments) > 0:
			segments = segments[:len(segments)-1]
		case segment != "":
			segments = append(segments, segment)
		}
	}
	return "/" + strings.Join(segments, "/")
}

// loosen is a decoded path up to where the most forgiving of servers looks for its end.
func loosen(decoded string) string {
	decoded = lower(strings.ReplaceAll(likeASCII(unescapeAll(decoded)), `\`, "/"))
	if at := strings.IndexAny(decoded, "?#"); at > 0 {
		decoded = decoded[:at] // to a server that decodes the path before it looks for its end
	}
	return decoded
}

// looseSegment is a segment without what is left out of a loose path; climbs reports whether it leads one up instead.
func looseSegment(segment string) (loose string, climbs bool) {
	if at := strings.IndexByte(segment, ';'); at >= 0 {
		segment = segment[:at]
	}
	segment, _, _ = strings.Cut(segment, "::$") // streams of Windows' files
	segment = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == 0xa0 || r == utf8.RuneError {
			return -1
		}
		return r
	}, segment)
	if segment == ".." {
		return "", true
	}
	return strings.TrimRight(segment, "."), false
}

// maxSegments is how many segments a path may have that servers read in more ways than one.
const maxSegments = 64

// Fits reports whether the path is one for the patterns, which are LooseGlobs, to any server.
func (p Path) Fits(patterns Globs) bool { return p.Fit(patterns) >= 0 }

// Fit is which of the patterns, which are LooseGlobs, the path is one for, to any server; -1: none.
//
// A server that takes `/xmlrpc.php/..;` for a program with something behind it does not climb there, as others do.
// Which of a path's dot segments lead up is each server's own: so of a path that has some, every part counts that it
// could be, and one with very many fits everything, and so the first of the patterns.
func (p Path) Fit(patterns Globs) int {
	if len(patterns) == 0 {
		return -1
	}
	if at := patterns.Index(p.Loose()); at >= 0 {
		return at
	}
	if !p.Climbs() {
		return -1
	}
	var segments []string
	for segment := range strings.SplitSeq(loosen(p.Text), "/") {
		if segment, _ := looseSegment(segment); segment != "" {
			segments = append(segments, segment)
		}
	}
	if len(segments) > maxSegments {
		return 0
	}
	for from := range segments {
		part := ""
		for _, segment := range segments[from:] {
			part += "/" + segment
			if at := patterns.Index(part); at >= 0 {
				return at
			}
		}
	}
	return -1
}

// LooseGlob turns a pattern for paths into one for their loose forms. A pattern that ends in `/*` covers the folder
// itself as well, for `/admin/` and `/admin` have the same loose form. One that ends in a file, as `/xmlrpc.php` does,
// covers what may stand behind that: `/xmlrpc.php/x` is run by the same program, which is told the rest (RFC 3875
// §4.1.5, PATH_INFO).
func LooseGlob(pattern Glob) Globs {
	// The loose form has no spaces and no control characters.
	lower := strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == 0xa0 {
			return -1
		}
		return r
	}, lower(likeASCII(string(pattern))))
	if lower == "*" || lower == "/*" {
		return Globs{"*"}
	}
	folder, isFolder := strings.CutSuffix(lower, "/*")
	if isFolder {
		return Globs{Glob(folder), Glob(folder + "/*")}
	}
	if trimmed := strings.TrimRight(lower, "/"); trimmed != "" {
		lower = trimmed
	} else {
		lower = "/"
	}
	if last := lower[strings.LastIndexByte(lower, '/')+1:]; strings.Contains(last, ".") && !strings.HasSuffix(last, "*") {
		return Globs{Glob(lower), Glob(lower + "/*")}
	}
	return Globs{Glob(lower)}
}

// plain is the fast way to say yes: only characters that need no care, no empty segment and none that starts with a dot
// or ends in one.
func plain(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '~':
		case c == '/':
			if path[i-1] == '/' {
				return false
			}
		case c == '.':
			if path[i-1] == '/' || i+1 == len(path) || path[i+1] == '/' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// canonical judges every other spelling. The escaped form may encode what needs it, and nothing that does not.
func canonical(decoded, escaped string) bool {
	if decoded == "" || decoded[0] != '/' || !utf8.ValidString(decoded) {
		return false
	}
	for i := range len(decoded) {
		if c := decoded[i]; c < ' ' || c == 0x7f || c == '\\' || c == ';' || c == '%' {
			return false
		}
	}
	if like := likeASCII(decoded); like != decoded && marks(like) != marks(decoded) {
		return false
	}
	if strings.Count(escaped, "/") != strings.Count(decoded, "/") || escapesUnreserved(escaped) {
		return false
	}
	for i, segment := range strings.Split(decoded[1:], "/") {
		last := i == strings.Count(decoded[1:], "/")
		if segment == "" && !last {
			return false
		}
		if strings.HasSuffix(segment, ".") || strings.HasSuffix(segment, " ") || strings.HasPrefix(segment, " ") ||
			strings.HasSuffix(segment, "\u00a0") {
			return false
		}
	}
	return true
}

// likeASCII is a text with the characters that some servers take for others of ASCII, where a path has to fit a code
// page or a file's name: fullwidth forms, ligatures, the long s and their like (NFKC, Unicode TR 15).
func likeASCII(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return unescapeAll(norm.NFKC.String(text))
		}
	}
	return text
}

// lower is a text in lower case, also where only its upper case is another one's (the dotless i).
func lower(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return strings.ToLower(strings.ToUpper(text))
		}
	}
	return strings.ToLower(text)
}

// marks counts what divides a path.
func marks(path string) (count int) {
	for i := range len(path) {
		if strings.IndexByte(`/\.;%?#`, path[i]) >= 0 {
			count++
		}
	}
	return count
}

// escapesUnreserved reports whether a character that RFC 3986 §2.3 calls unreserved was percent-encoded all the same.
func escapesUnreserved(escaped string) bool {
	for i := 0; i+2 < len(escaped); i++ {
		if escaped[i] != '%' {
			continue
		}
		c := unhex(escaped[i+1])<<4 | unhex(escaped[i+2])
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			return true
		}
	}
	return false
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0
}
