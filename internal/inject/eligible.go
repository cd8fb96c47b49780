package inject

import (
	"mime"
	"net/http"
	"strings"
)

// PageLoad reports whether a request is a browser's for a page that fills a window: not for a frame, nor for a piece of
// HTML that a script will put into a page which has the markup already. Browsers say so in Sec-Fetch-Mode and
// Sec-Fetch-Dest; of those that do not, a request counts that asks for HTML and is not known as a script's.
//
// A client that may not have its answer changed says so with Cache-Control: no-transform (RFC 9111 §5.2.1.6).
func PageLoad(r *http.Request) bool {
	h := r.Header
	if r.Method != http.MethodGet || len(h["Upgrade"]) > 0 || keepsAsIs(h["Cache-Control"]) {
		return false
	}
	mode, dest := h["Sec-Fetch-Mode"], h["Sec-Fetch-Dest"]
	if len(mode) == 0 && len(dest) == 0 {
		return strings.Contains(h.Get("Accept"), "text/html") && len(h["X-Requested-With"]) == 0
	}
	return len(mode) == 1 && mode[0] == "navigate" && (len(dest) == 0 || len(dest) == 1 && dest[0] == "document")
}

// FillsWindow reports whether the browser itself says that it will show the answer in a window of its own, so that it
// is a document whatever it looks like. It must be a PageLoad.
func FillsWindow(r *http.Request) bool { return len(r.Header["Sec-Fetch-Dest"]) > 0 }

// Document reports whether the answer to a page load is one that markup may be put into: status 200, whole, as HTML,
// not compressed, to be shown and not to be saved, in an encoding that has ASCII in it. What is left alone as well:
// answers that must not be transformed (RFC 9111 §5.2.2.6), and those in a sandbox (CSP), in which a link may lead
// nowhere.
func Document(status int, h http.Header) bool {
	if status != http.StatusOK || len(h["Content-Range"]) > 0 || len(h["Content-Type"]) != 1 {
		return false
	}
	media, parameters, err := mime.ParseMediaType(h["Content-Type"][0])
	if err != nil || media != "text/html" || !hasASCII(parameters["charset"]) {
		return false
	}
	if !plain(h) {
		return false
	}
	for _, line := range h["Content-Disposition"] {
		// What is neither inline nor attachment counts as the latter (RFC 6266 §4.2).
		kind, _, _ := strings.Cut(line, ";")
		if !strings.EqualFold(strings.TrimSpace(kind), "inline") {
			return false
		}
	}
	return !keepsAsIs(h["Cache-Control"]) && !sandboxed(h["Content-Security-Policy"])
}

// WorkerLoad reports whether a browser asks for the script of a service worker (Service Workers §4.2, "Update").
func WorkerLoad(r *http.Request) bool {
	return r.Method == http.MethodGet && len(r.Header["Service-Worker"]) == 1 && r.Header["Service-Worker"][0] == "script" &&
		!keepsAsIs(r.Header["Cache-Control"])
}

// Script reports whether the answer to that is a script that something may be put in front of: status 200, whole, of a
// type that browsers take for one, and not compressed.
func Script(status int, h http.Header) bool {
	if status != http.StatusOK || len(h["Content-Range"]) > 0 || len(h["Content-Type"]) != 1 || !plain(h) || keepsAsIs(h["Cache-Control"]) {
		return false
	}
	media, _, err := mime.ParseMediaType(h["Content-Type"][0])
	return err == nil && (strings.HasSuffix(media, "/javascript") || strings.HasSuffix(media, "/ecmascript") || strings.HasSuffix(media, "/x-javascript"))
}

// plain reports whether an answer is not compressed.
func plain(h http.Header) bool {
	for _, coding := range h["Content-Encoding"] {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return false
		}
	}
	return true
}

// Adjust changes the headers of an answer that a Rewriter will change: the length is not known before its end, and what
// was computed from the app's bytes does not hold for what the browser gets.
//
// Its validators are of our own (mark). They are weak, so that no client puts a page together from ranges by them
// (§13.1.5); for the same reason nothing is said of ranges.
func Adjust(h http.Header, mark string) {
	for _, name := range []string{"Content-Length", "Accept-Ranges", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
		delete(h, name)
	}
	tag(h, mark)
}

// keepsAsIs reports whether one of the lines of Cache-Control says that nobody on the way may change the answer.
func keepsAsIs(lines []string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(part, "=")
			if strings.EqualFold(strings.TrimSpace(name), "no-transform") {
				return true
			}
		}
	}
	return false
}

// sandboxed reports whether one of the policies (CSP 3 §2.2) puts the page into a sandbox.
func sandboxed(lines []string) bool {
	for _, line := range lines {
		for directive := range strings.FieldsFuncSeq(line, func(c rune) bool { return c == ',' || c == ';' }) {
			if words := strings.Fields(directive); len(words) > 0 && strings.EqualFold(words[0], "sandbox") {
				return true
			}
		}
	}
	return false
}

// hasASCII reports whether a charset is one of those in which all ASCII bytes, and no others, are ASCII characters. A
// page that names none is in one of these, or in another in which this holds for all that makes up a tag; the Rewriter
// stops where it does not.
func hasASCII(charset string) bool {
	charset = strings.ToLower(strings.TrimSpace(charset))
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "latin1":
		return true
	}
	for _, family := range []string{"iso-8859-", "windows-125"} {
		if number, found := strings.CutPrefix(charset, family); found && number != "" && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return false
}
