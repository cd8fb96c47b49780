package login

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// readMultipart reads a multipart/form-data body in the one shape that browsers and HTTP libraries send and that all
// servers read alike: no preamble, CRLF line ends, one Content-Disposition a part, nothing after the closing delimiter,
// and the delimiter's text nowhere else (PHP takes `\n--boundary` for one, others do not).
//
// flaw names the first departure from it; the fields are then guessed, as a lax server may see them.
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
		if !ok || !token(key) || strings.ContainsFunc(value, controls) || !utf8.ValidString(value) {
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

// readDisposition reads `form-data; name="..."; filename="..."`. Parameters with a star, backslashes and anything else
// that parsers read differently are flaws.
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
			if !token(text) || strings.ContainsAny(text, "'%*") || ok && rest == "" {
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

// guessParts finds whatever a lax parser may take for a field: any `name=` in any case, with the text from the next
// empty line to the next boundary.
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
			end, rest = rest[:1]+"\r\n", rest[1:] // PHP ends a quoted name with the line
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

// clip bounds the work on one guess; names and values that matter are short.
func clip(s string) string { return s[:min(len(s), 1024)] }

// indexFold finds ASCII text in lower case, whatever its case in s.
func indexFold(s, lower string) int {
	for i := 0; i+len(lower) <= len(s); i++ {
		if c := s[i] | 0x20; c == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}
