package login

import (
	"mime"
	"net/http"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

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
	return strings.Contains(m.kind, "json") // text/json, application/x-json: many a server looks at the body alone
}

// readMedia reads a Content-Type value. Many servers look for `charset=` and `boundary=` wherever they stand, in the
// name of another parameter or between quotes as well (PHP, the .NET Framework, old Tomcat), so that values are tokens,
// and a form has no parameter but these two; those after RFC 2231 are read by some only.
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
		if !known && (kind == mediaForm || kind == mediaMultipart || strings.Contains(parameter, "charset")) || !token(text) {
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
// encoding make the body a thing that two servers read in two ways.
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

// urlencoded reports whether some server could take the body for an urlencoded form. PHP looks at how the content type
// begins, and cares for no charset.
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
