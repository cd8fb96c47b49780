package upstream

import (
	"net/http"
	"strings"

	"sallyport.example/sallyport/login"
)

// SetReadableEncodings asks for an answer that can be read here: its body may have to be judged, and goes on to the
// browser as it is. What the browser asks for stays as it is where all of it can be read, for some apps (DokuWiki) bind
// their sessions to this very header: another one would have the app renew its cookie at each question, and again at
// the browser's next request, which then leads to the next question.
func SetReadableEncodings(to, browser http.Header) {
	lines := browser["Accept-Encoding"]
	hasGzip, all := false, true
	for _, line := range lines {
		for coding := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(coding, ";")
			name = strings.TrimSpace(name)
			hasGzip = hasGzip || strings.EqualFold(name, "gzip")
			all = all && (name == "" || login.Readable(name))
		}
	}
	switch {
	case len(lines) == 0:
		delete(to, "Accept-Encoding")
	case all:
		to["Accept-Encoding"] = lines
	case hasGzip:
		to["Accept-Encoding"] = []string{"gzip"}
	default:
		to["Accept-Encoding"] = []string{"identity"}
	}
}
