package upstream

import (
	"net/http"
	"strings"

	"sallyport.example/sallyport/login"
)

// SetReadableEncodings asks for an answer in an encoding that can be read here, because its body may have to be judged
// before it goes to the browser. If all of the browser's encodings can be read, its header stays as it is: some apps
// (DokuWiki) bind their sessions to it, and with another header such an app would renew its cookie at each question and
// again at the browser's next request, which leads to the next question.
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
