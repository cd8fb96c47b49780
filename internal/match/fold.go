package match

import "strings"

// FoldName maps a cookie's or form field's name to the form under which other programs may take it for another one:
// lower case, percent-decoded, without surrounding space, without a closed `[...]`, with `.`, `[`, inner spaces and
// NBSP as `_`. PHP does most of that (main/php_variables.c), Tomcat and IIS the rest. Names that a server could confuse
// have equal folds.
func FoldName(name string) string {
	if simple(name) {
		return name
	}
	name = unescapeAll(name)
	name = strings.ReplaceAll(strings.ReplaceAll(name, "\u00a0", " "), "\xa0", " ")
	name = strings.Trim(name, " \t\r\n\v\f\x00\"")
	if at := strings.IndexByte(name, 0); at > 0 {
		name = name[:at]
	}
	if at := strings.IndexByte(name, '['); at > 0 && strings.Contains(name[at:], "]") {
		name = name[:at]
	}
	return strings.ToLower(strings.Map(func(r rune) rune {
		switch r {
		case '.', ' ', '\t', '[', '+':
			return '_'
		}
		return r
	}, name))
}

// simple names are their own folds.
func simple(name string) bool {
	for i := range len(name) {
		c := name[i]
		if ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// FoldHeader maps a header field's name to the form that CGI, WSGI and their like give it: lower case, `_` and `.` as
// `-`. Headers that an app could confuse have equal folds.
func FoldHeader(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '.' || r == ' ':
			return '-'
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, name)
}
