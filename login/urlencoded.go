package login

import (
	"strings"
	"unicode/utf8"
)

// fieldLimit is the largest number of fields: PHP's max_input_vars silently drops what comes after.
const fieldLimit = 1000

// pairLimit is how many pairs of a form or query are looked at: as many as 64 KiB can hold, so that a larger form costs
// no more memory than those that may be a login.
const pairLimit = BodyLimit / 2

// readPairs reads a query or an urlencoded body. flaw names the first thing on which servers disagree; the fields are
// then what a lax one may see: `;` separates too, and a bad escape stands for itself. Beyond pairLimit there is no more
// of them.
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

// oddName: control characters end or change a name in some servers; a byte order mark vanishes in some.
func oddName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c >= 0x7f {
			return strings.ContainsFunc(name, controls) || strings.Contains(name, "\ufeff")
		}
	}
	return false
}

// unescape decodes `+` and percent escapes. Bad escapes are left as they are and reported, but for IIS's %uXXXX, which
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
