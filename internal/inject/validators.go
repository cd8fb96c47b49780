package inject

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// A page that was changed on its way is another one than the app's. Were it to have the app's validators, a browser
// that keeps the app's page from before could go on with that for ever: the app says that its page has not changed. So
// a changed page has one validator, a tag of our own, which says what was put in and what the app's own were. A request
// with that tag goes on with the app's own; with any other it goes on without, and gets the whole page.

const (
	tagBegin = `W/"sallyport.`
	// longestValidator is the longest of the app's own that a tag of ours holds, in bytes.
	longestValidator = 256
)

// Mark is what a tag says of what was put in.
func Mark(markup ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(markup, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// tag has an answer's validators say that the markup is in it.
func tag(h http.Header, mark string) {
	own, date := single(h["Etag"]), single(h["Last-Modified"])
	delete(h, "Etag")
	delete(h, "Last-Modified")
	if !validTag(own) {
		own = ""
	}
	if !validDate(date) {
		date = ""
	}
	if own != "" || date != "" {
		encode := base64.RawURLEncoding.EncodeToString
		h["Etag"] = []string{tagBegin + mark + "." + encode([]byte(own)) + "." + encode([]byte(date)) + `"`}
	}
}

// Condition has a request ask the app by its own validators, and reports whether it does: where the browser has a page
// into which the very same was put. By what it has otherwise nobody asks.
func Condition(h http.Header, mark string) bool {
	lines := h["If-None-Match"]
	delete(h, "If-None-Match")
	delete(h, "If-Modified-Since")
	for _, line := range lines {
		for _, given := range strings.Split(line, ",") {
			if own, date, ok := untag(strings.TrimSpace(given), mark); ok {
				if own != "" {
					h["If-None-Match"] = []string{own}
				}
				if date != "" {
					h["If-Modified-Since"] = []string{date}
				}
				return true
			}
		}
	}
	return false
}

// untag reads one of our tags. What it holds is the client's word, and goes into headers.
func untag(given, mark string) (own, date string, ok bool) {
	rest, ok := strings.CutPrefix(given, tagBegin+mark+".")
	if !ok {
		return "", "", false
	}
	rest, ok = strings.CutSuffix(rest, `"`)
	first, second, found := strings.Cut(rest, ".")
	if !ok || !found || len(rest) > 4*longestValidator {
		return "", "", false
	}
	decode := base64.RawURLEncoding.Strict().DecodeString
	tagText, err := decode(first)
	if err != nil || len(tagText) > 0 && !validTag(string(tagText)) {
		return "", "", false
	}
	dateText, err := decode(second)
	if err != nil || len(dateText) > 0 && !validDate(string(dateText)) || len(tagText)+len(dateText) == 0 {
		return "", "", false
	}
	return string(tagText), string(dateText), true
}

func single(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	return lines[0]
}

// validTag reports whether a text is an entity tag (RFC 9110 §8.8.3), of ASCII.
func validTag(text string) bool {
	opaque := strings.TrimPrefix(text, "W/")
	return len(text) <= longestValidator && len(opaque) >= 2 && opaque[0] == '"' && opaque[len(opaque)-1] == '"' &&
		!strings.ContainsFunc(opaque[1:len(opaque)-1], func(r rune) bool { return r <= ' ' || r == '"' || r >= 0x7f })
}

func validDate(text string) bool {
	_, err := http.ParseTime(text)
	return err == nil && len(text) <= longestValidator && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

// Unchanged has an answer that nothing has changed (304) say so of the page with the markup, for the browser takes what
// it says for that of the page which it has.
func Unchanged(status int, h http.Header, mark string) {
	if status == http.StatusNotModified && (h["Etag"] != nil || h["Last-Modified"] != nil) {
		tag(h, mark)
	}
}
