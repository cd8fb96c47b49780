package exchange

import (
	"net/http"
	"strings"
)

// HostOf is the host that a request is for, in the one spelling that sessions are bound to: in lower case, without a
// port, and without the dot that may end a name.
func HostOf(r *http.Request) string {
	host := r.Host
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// portOf is the port that the browser asks at.
func portOf(r *http.Request, secure bool) (port string) {
	if colon := strings.LastIndexByte(r.Host, ':'); colon > strings.LastIndexByte(r.Host, ']') {
		port = r.Host[colon+1:]
	}
	switch {
	case port != "" && len(port) <= len("65535") && strings.Trim(port, "0123456789") == "":
		return port
	case secure:
		return "443"
	}
	return "80"
}

// Cookies know no ports (RFC 6265 §8.5): what a site on another port of this host calls by the same name stands in the
// way. So a token says which port it is for. A site that is shown another one's leaves it where it is, and from then on
// calls its own by a name with the port in it.

// ShownToken reads the session's token, and whether it stands under the name with the port. Where it does not, foreign
// says that another site may have put it there; the store knows its own.
func (s *Site) ShownToken(r *http.Request) (token string, apart, foreign bool) {
	lines, name := r.Header["Cookie"], s.CookieName(r)
	port := portOf(r, s.Config.Secure(r))
	if token, count := cookieValue(lines, name, port); count > 0 {
		return token, true, false
	}
	if token = CookieValue(lines, name); token == "" {
		return "", false, false
	}
	token, of, said := strings.Cut(token, ".") // not in one of the version before
	return token, false, said && of != port
}

// setToken hands the browser its session. Lax, so that a link from a mail leads into the app, and a form on another
// site does not. Without an age it ends with the browser; the server's own limits end it sooner.
func setToken(x *Exchange, token string) {
	if !x.Apart {
		token += "." + portOf(x.R, x.Config.Secure(x.R))
	}
	writeToken(x, token, "")
}

// ClearToken takes its session from the browser.
func ClearToken(x *Exchange) { writeToken(x, "", "; Max-Age=0") }

func writeToken(x *Exchange, token, age string) {
	name := x.CookieName(x.R)
	if x.Apart {
		name += "-" + portOf(x.R, x.Config.Secure(x.R))
	}
	x.WriteCookie(x.W.Header(), x.R, name, token, age, "Lax")
}
