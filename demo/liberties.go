package demo

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// This file has the loose ways in which other apps and their servers read requests (see Knobs).

// loosePath reads a path like the most liberal server.
func loosePath(r *http.Request) *http.Request {
	name := r.URL.Path
	if again, err := url.PathUnescape(name); err == nil {
		name = again
	}
	name = strings.ReplaceAll(name, `\`, "/")
	if at := strings.IndexByte(name, 0); at >= 0 {
		name = name[:at]
	}
	segments := strings.Split(name, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	name = path.Clean("/" + strings.Join(segments, "/"))
	name = "/" + strings.Trim(name, "/. \t\u00a0")
	return withPath(r, strings.ToLower(name), r.URL.RawQuery)
}

func withPath(r *http.Request, name, query string) *http.Request {
	changed := r.WithContext(r.Context())
	address := *r.URL
	address.Path, address.RawPath, address.RawQuery = name, "", query
	changed.URL = &address
	return changed
}

// foldedHeader finds a header in any spelling that CGI treats as the same.
func foldedHeader(header http.Header, name string) string {
	for key, values := range header {
		if strings.EqualFold(strings.ReplaceAll(key, "_", "-"), name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// obeyHeaders lets the client's headers replace the address and the method.
func obeyHeaders(r *http.Request) *http.Request {
	for _, name := range []string{"X-Original-Url", "X-Rewrite-Url", "X-Original-Uri"} {
		if address, err := url.ParseRequestURI(foldedHeader(r.Header, name)); err == nil {
			r = withPath(r, address.Path, address.RawQuery)
			break
		}
	}
	for _, name := range []string{"X-Http-Method-Override", "X-Method-Override", "X-Http-Method"} {
		if method := foldedHeader(r.Header, name); method != "" {
			r = r.WithContext(r.Context())
			r.Method = strings.ToUpper(method)
			break
		}
	}
	return r
}

// trustedUser returns the user that a header names, as if a proxy had set it.
func trustedUser(header http.Header) string {
	for _, name := range []string{
		"Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Auth-Request-User", "X-Webauth-User", "X-Second-Factor-User",
	} {
		if user := foldedHeader(header, name); user != "" {
			return user
		}
	}
	return ""
}

// looseCookies returns every value that some server would read as the cookie of this name, in the order sent.
func looseCookies(headers []string, name string) []string {
	var values []string
	for _, header := range headers {
		for pair := range strings.FieldsFuncSeq(header, func(r rune) bool { return r == ';' || r == ',' }) {
			key, value, _ := strings.Cut(pair, "=")
			if looseName(key) == name {
				value = strings.Trim(value, " \t\"")
				values = append(values, value)
			}
		}
	}
	return values
}

// looseName folds a cookie's name as PHP does, and its case as well.
func looseName(name string) string {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.Trim(name, " \t\r\n\v\f\x00\u00a0\"")
	name, _, _ = strings.Cut(name, "\x00")
	if base, rest, found := strings.Cut(name, "["); found && base != "" && strings.Contains(rest, "]") {
		name = base
	}
	return strings.ToLower(strings.NewReplacer(".", "_", " ", "_", "[", "_").Replace(name))
}
