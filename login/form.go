package login

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/match"
)

// fieldLimit is the largest number of fields: PHP's max_input_vars silently drops what comes after.
const fieldLimit = 1000

// pairLimit is how many pairs of a form or query are read: as many as 64 KiB can have, so that a larger form takes no
// more memory than one that may be a login.
const pairLimit = BodyLimit / 2

// readPairs reads a query or an urlencoded body. flaw names the first thing on which servers disagree. The fields are
// then what a lax server may see: `;` separates too, and a bad escape is taken literally. Fields beyond pairLimit are
// left out.
func readPairs(raw string) (fields []field, flaw string) {
	note := func(what string) {
		if flaw == "" {
			flaw = what
		}
	}
	if strings.Contains(raw, ";") {
		note("';' between fields")
	}
	if raw != "" {
		fields = make([]field, 0, min(1+strings.Count(raw, "&"), 16))
	}
	for rest := raw; rest != ""; {
		pair := rest
		if at := strings.IndexAny(rest, "&;"); at >= 0 {
			pair, rest = rest[:at], rest[at+1:]
		} else {
			rest = ""
		}
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameOK := unescape(rawName)
		value, valueOK := unescape(rawValue)
		if !nameOK || !valueOK {
			note("bad percent-encoding")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			note(flawCharset)
		}
		if oddName(name) {
			note("control character in a field's name")
		}
		if fields = append(fields, field{name: name, value: value}); len(fields) > pairLimit {
			break
		}
	}
	if len(fields) > fieldLimit {
		note("too many fields")
	}
	return fields, flaw
}

// oddName reports whether some servers end or change a name at a control character, or drop a byte order mark in it.
func oddName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c >= 0x7f {
			return strings.ContainsFunc(name, controls) || strings.Contains(name, "\ufeff")
		}
	}
	return false
}

// unescape decodes `+` and percent escapes. Bad escapes are left unchanged and reported, except for IIS's %uXXXX, which
// is decoded and reported.
func unescape(s string) (decoded string, ok bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	ok = true
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 < len(s) && hexDigit(s[i+1]) && hexDigit(s[i+2]) {
				b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
				i += 2
				continue
			}
			ok = false
			if i+5 < len(s) && (s[i+1] == 'u' || s[i+1] == 'U') {
				if r, isHex := hex4(s[i+2:]); isHex {
					b = utf8.AppendRune(b, r)
					i += 5
					continue
				}
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	return string(b), ok
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// readMultipart reads a multipart/form-data body in the one form that browsers and HTTP libraries send and that all
// servers read alike: no preamble, CRLF line ends, one Content-Disposition in each part, nothing after the closing
// delimiter, and the delimiter's text nowhere else (PHP accepts `\n--boundary` as a delimiter, others do not).
//
// flaw names the first deviation. The fields are then a guess at what a lax server may see.
func readMultipart(raw, boundary string) (fields []field, flaw string) {
	fields, flaw = readParts(raw, "--"+boundary)
	if flaw != "" {
		return guessParts(raw, boundary), flaw
	}
	return fields, ""
}

func readParts(raw, delimiter string) (fields []field, flaw string) {
	rest, ok := strings.CutPrefix(raw, delimiter)
	if !ok {
		return nil, "multipart body does not begin with its boundary"
	}
	for {
		switch {
		case rest == "--" || rest == "--\r\n":
			return fields, ""
		case !strings.HasPrefix(rest, "\r\n"):
			return nil, "malformed multipart boundary"
		}
		head, body, ok := strings.Cut(rest[2:], "\r\n\r\n")
		if !ok {
			return nil, "multipart part without a header"
		}
		content, after, ok := strings.Cut(body, "\r\n"+delimiter)
		if !ok {
			return nil, "multipart body without its end"
		}
		if strings.Contains(content, delimiter) || strings.Contains(head, delimiter) {
			return nil, "boundary inside a multipart part"
		}
		f, flaw := readPartHeader(head, len(content))
		if flaw != "" {
			return nil, flaw
		}
		f.value = content
		if !f.file && !utf8.ValidString(content) {
			return nil, flawCharset
		}
		if fields = append(fields, f); len(fields) > fieldLimit {
			return nil, "too many fields"
		}
		rest = after
	}
}

func readPartHeader(head string, length int) (f field, flaw string) {
	disposed, typed, foreign := false, false, false
	for line := range strings.SplitSeq(head, "\r\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || !match.IsToken(key) || strings.ContainsFunc(value, controls) || !utf8.ValidString(value) {
			return f, "malformed multipart header"
		}
		value = strings.Trim(value, " ")
		switch strings.ToLower(key) {
		case "content-disposition":
			if disposed {
				return f, "two Content-Disposition lines in one part"
			}
			disposed = true
			if f, flaw = readDisposition(value); flaw != "" {
				return f, flaw
			}
		case "content-type":
			if typed {
				return f, "two Content-Type lines in one part"
			}
			typed = true
			media, flaw := readMedia(value)
			if flaw != "" {
				return f, flaw
			}
			if strings.HasPrefix(media.kind, "multipart/") {
				return f, "multipart inside multipart"
			}
			foreign = media.kind != "text/plain"
		case "content-length":
			if value != strconv.Itoa(length) {
				return f, "wrong Content-Length of a part"
			}
		default:
			return f, "unexpected header in a multipart part"
		}
	}
	if !disposed {
		return f, "multipart part without Content-Disposition"
	}
	f.foreign = foreign
	return f, ""
}

// readDisposition reads `form-data; name="..."; filename="..."`. Parameters with a star, backslashes and everything
// else that parsers read differently are flaws.
func readDisposition(value string) (f field, flaw string) {
	const malformed = "malformed Content-Disposition"
	kind, rest, _ := strings.Cut(value, ";")
	if !strings.EqualFold(strings.TrimRight(kind, " "), "form-data") {
		return f, malformed
	}
	named := false
	for rest != "" {
		key, after, ok := strings.Cut(strings.TrimLeft(rest, " "), "=")
		if !ok {
			return f, malformed
		}
		var text string
		if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
			text, rest, ok = strings.Cut(quoted, `"`)
			if !ok || strings.Contains(text, `\`) {
				return f, malformed
			}
			rest = strings.TrimLeft(rest, " ")
			if rest != "" {
				if rest, ok = strings.CutPrefix(rest, ";"); !ok || rest == "" {
					return f, malformed
				}
			}
		} else {
			text, rest, ok = strings.Cut(after, ";")
			text = strings.TrimRight(text, " ")
			if !match.IsToken(text) || strings.ContainsAny(text, "'%*") || ok && rest == "" {
				return f, malformed
			}
		}
		switch {
		case strings.EqualFold(key, "name") && !named:
			f.name, named = text, true
		case strings.EqualFold(key, "filename") && !f.file:
			f.file = true
		default:
			return f, malformed
		}
	}
	if !named || oddName(f.name) {
		return f, malformed
	}
	return f, ""
}

// guessParts finds everything that a lax parser may read as a field: any `name=` in any case, with the text from the
// next empty line to the next boundary.
func guessParts(raw, boundary string) []field {
	var fields []field
	for range fieldLimit {
		at := indexFold(raw, "name")
		if at < 0 {
			break
		}
		raw = raw[at+len("name"):]
		rest := strings.TrimLeft(raw, " \t*0123456789")
		if !strings.HasPrefix(rest, "=") {
			continue
		}
		rest = strings.TrimLeft(rest[1:], " \t")
		end := "\r\n;"
		if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
			end, rest = rest[:1]+"\r\n", rest[1:] // PHP ends a quoted name at the end of the line
		}
		rest = clip(rest)
		name := rest
		if stop := strings.IndexAny(rest, end); stop >= 0 {
			name = rest[:stop]
		}
		_, value, _ := strings.Cut(strings.ReplaceAll(rest, "\r\n", "\n"), "\n\n")
		if stop := strings.Index(value, "\n--"); stop >= 0 {
			value = value[:stop]
		} else if stop := strings.Index(value, "--"+boundary); stop >= 0 {
			value = value[:stop]
		}
		name = strings.ReplaceAll(name, `\`, "")
		fields = append(fields, field{name: name, value: value})
		if first := strings.TrimRight(strings.SplitN(name+" ", " ", 2)[0], `"';`); first != name {
			fields = append(fields, field{name: first, value: value})
		}
	}
	return fields
}

// clip bounds the work for one guess; names and values that matter are short.
func clip(s string) string { return s[:min(len(s), 1024)] }

// indexFold finds ASCII text, given in lower case, whatever its case in s.
func indexFold(s, lower string) int {
	for i := 0; i+len(lower) <= len(s); i++ {
		if c := s[i] | 0x20; c == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}
