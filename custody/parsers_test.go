package custody

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// seen is one cookie as a server reads it. The names stay unfolded, because the tests also ask which servers fold them.
type seen struct{ name, value string }

// servers are models of how servers parse a Cookie header, written after their present or earlier sources. They differ
// in what ends a cookie, in what quotes mean, and in what they do with what they do not understand.
var servers = map[string]func(header string) []seen{
	"php":        readPHP,
	"php5":       readPHP5,
	"rack":       func(header string) []seen { return readSplit(header, ";,") },
	"express":    readExpress,
	"tomcat":     readTomcat,
	"jetty":      func(header string) []seen { return readQuoteAware(header, false) },
	"quotes":     func(header string) []seen { return readQuoteAware(header, true) },
	"python":     readPython,
	"django":     readDjango,
	"undertow":   readUndertow,
	"go":         readGo,
	"whitespace": func(header string) []seen { return readSplit(header, "; \t") },
}

// readPHP: php_default_treat_data with ";" as separator, names without white space in front.
func readPHP(header string) []seen {
	var cookies []seen
	for part := range strings.SplitSeq(header, ";") {
		part = strings.TrimLeft(part, " \t\r\n\v\f")
		if name, value, found := strings.Cut(part, "="); found || part != "" {
			cookies = append(cookies, seen{name, value})
		}
	}
	return cookies
}

// readPHP5: PHP before 7.4.11 decodes names, and C ends them at the first NUL.
func readPHP5(header string) []seen {
	cookies := readPHP(header)
	for i, c := range cookies {
		cookies[i].name = decoded(c.name)
	}
	return cookies
}

var percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// decoded decodes the valid escapes and ends at a NUL.
func decoded(name string) string {
	name = percentEscape.ReplaceAllStringFunc(name, func(escape string) string {
		value, _ := strconv.ParseUint(escape[1:], 16, 8)
		return string([]byte{byte(value)})
	})
	name, _, _ = strings.Cut(name, "\x00")
	return strings.TrimLeft(name, " ")
}

// readSplit: old Rack and Perl's CGI, which split at commas too, and servers that split at white space.
func readSplit(header, separators string) []seen {
	var cookies []seen
	for _, part := range strings.FieldsFunc(header, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		cookies = append(cookies, seen{strings.TrimSpace(name), value})
	}
	return cookies
}

// readExpress: npm's cookie, which knows no cookie without "=".
func readExpress(header string) []seen {
	var cookies []seen
	for part := range strings.SplitSeq(header, ";") {
		if name, value, found := strings.Cut(part, "="); found {
			cookies = append(cookies, seen{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return cookies
}

// readDjango: parse_cookie; a piece without "=" is a value without a name.
func readDjango(header string) []seen {
	var cookies []seen
	for part := range strings.SplitSeq(header, ";") {
		name, value, found := strings.Cut(part, "=")
		if !found {
			name, value = "", name
		}
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); name != "" || value != "" {
			cookies = append(cookies, seen{name, value})
		}
	}
	return cookies
}

func readGo(header string) []seen {
	var cookies []seen
	for _, c := range (&http.Request{Header: http.Header{"Cookie": {header}}}).Cookies() {
		value := c.Value
		if c.Quoted {
			value = `"` + value + `"`
		}
		cookies = append(cookies, seen{c.Name, value})
	}
	return cookies
}

// readTomcat: the legacy processor. `$` names are attributes. `$Version=1` in front changes what ends a value. A value
// that begins with a quote goes on to the next quote that is not escaped, or to the end.
func readTomcat(header string) []seen {
	separators := ",; \t\""
	var cookies []seen
	i := 0
	for i < len(header) {
		for i < len(header) && strings.IndexByte("()<>@,;:\\\"/[]?={} \t", header[i]) >= 0 {
			i++
		}
		start := i
		for i < len(header) && strings.IndexByte("()<>@,;:\\\"/[]?={} \t", header[i]) < 0 {
			i++
		}
		name, value := header[start:i], ""
		for i < len(header) && (header[i] == ' ' || header[i] == '\t') {
			i++
		}
		if i < len(header) && header[i] == '=' {
			i++
			for i < len(header) && (header[i] == ' ' || header[i] == '\t') {
				i++
			}
			start = i
			if i < len(header) && header[i] == '"' {
				for i++; i < len(header) && header[i] != '"'; i++ {
					if header[i] == '\\' {
						i++
					}
				}
				i = min(i+1, len(header))
			} else {
				for i < len(header) && strings.IndexByte(separators, header[i]) < 0 {
					i++
				}
			}
			value = header[start:i]
		}
		for i < len(header) && header[i] != ';' && header[i] != ',' {
			i++
		}
		switch {
		case strings.EqualFold(name, "$Version") && len(cookies) == 0:
			separators = "()<>@,;:\\\"/[]?={} \t"
		case name != "" && name[0] != '$':
			cookies = append(cookies, seen{name, value})
		}
	}
	return cookies
}

// readQuoteAware: Jetty and others that do not split inside quotes. anywhere says that a quote also counts if it is not
// the first character of a value.
func readQuoteAware(header string, anywhere bool) []seen {
	var cookies []seen
	take := func(part string) {
		if name, value, found := strings.Cut(part, "="); found {
			cookies = append(cookies, seen{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	start, quoted := 0, false
	for i := 0; i < len(header); i++ {
		switch c := header[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && (quoted || anywhere || i > 0 && header[i-1] == '='):
			quoted = !quoted
		case !quoted && (c == ';' || c == ','):
			take(header[start:i])
			start = i + 1
		}
	}
	take(header[start:])
	return cookies
}

// readUndertow: without allowEqualInValue, a value ends at "=" and the rest is skipped.
func readUndertow(header string) []seen {
	cookies := readExpress(header)
	for i, c := range cookies {
		cookies[i].value, _, _ = strings.Cut(c.value, "=")
	}
	return cookies
}

// pythonCookie is the pattern of Lib/http/cookies.py, with Go's \w and \d, which are ASCII as re.ASCII's are.
var pythonCookie = regexp.MustCompile(`^\s*([\w!#%&'~` + "`" + `><@,:/$*+\-.^|)(?}{=]+?)(\s*=\s*("(?:[^\\"]|\\.)*"|\w{3},\s[\w\d\s-]{9,11}\s[\d:]{8}\sGMT|` +
	`[\w!#%&'~` + "`" + `><@,:/$*+\-.^|)(?}{=\[\]]*))?\s*(\s+|;|$)`)

var pythonReserved = []string{"expires", "path", "comment", "domain", "max-age", "secure", "httponly", "version", "samesite", "partitioned"}

// readPython: SimpleCookie.load. When it does not understand something, it gives up the rest, or everything.
func readPython(header string) []seen {
	var cookies []seen
	for header != "" {
		m := pythonCookie.FindStringSubmatch(header)
		if m == nil {
			break
		}
		name, hasValue, value := m[1], m[2] != "", m[3]
		switch {
		case name[0] == '$':
		case slices.Contains(pythonReserved, strings.ToLower(name)):
			if len(cookies) == 0 {
				return nil
			}
			if !hasValue && !slices.Contains([]string{"secure", "httponly", "partitioned"}, strings.ToLower(name)) {
				return nil
			}
		case hasValue:
			cookies = append(cookies, seen{name, value})
		default:
			return nil
		}
		header = header[len(m[0]):]
	}
	return cookies
}
