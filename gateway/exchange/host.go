package exchange

import (
	"net/http"
	"strings"
)

// HostOf returns the host that a request is for, in the one spelling that sessions are bound to: in lower case, without
// a port, and without the dot that may end a name.
func HostOf(r *http.Request) string {
	host := r.Host
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// OriginOf returns the origin of the page that a request comes from if it comes from a page of ours: as browsers write
// it, without the port that the scheme implies.
func (s *Site) OriginOf(r *http.Request) string {
	scheme, host, usual := "http://", strings.ToLower(r.Host), ":80"
	if s.Config.Secure(r) {
		scheme, usual = "https://", ":443"
	}
	return scheme + strings.TrimSuffix(host, usual)
}

// portOf returns the port that the browser sent its request to.
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

// Cookies know no ports (RFC 6265 §8.5), so a cookie of the same name from a site on another port of this host takes
// the place of ours. So a token says which port it is for. A site that is shown another site's token leaves it in
// place, and from then on uses a name with its port in it for its own.

// ShownToken reads the session's token. apart reports whether the token stands under the name with the port. If it does
// not, foreign reports whether another site may have put it there; the store knows its own tokens.
func (s *Site) ShownToken(r *http.Request) (token string, apart, foreign bool) {
	lines, name := r.Header["Cookie"], s.CookieName(r)
	port := portOf(r, s.Config.Secure(r))
	if token, count := cookieValue(lines, name, port); count > 0 {
		return token, true, false
	}
	if token = CookieValue(lines, name); token == "" {
		return "", false, false
	}
	token, of, said := strings.Cut(token, ".") // a token of the version before has no port
	return token, false, said && of != port
}

// setToken hands the browser its session. The cookie is Lax, so that a link in a mail leads into the app and a form on
// another site does not. It has no age, so it ends with the browser; the server's own limits end the session sooner.
func setToken(x *Exchange, token string) {
	if !x.Apart {
		token += "." + portOf(x.R, x.Config.Secure(x.R))
	}
	writeToken(x, token, "")
}

// ClearToken removes the session's cookie from the browser.
func ClearToken(x *Exchange) { writeToken(x, "", "; Max-Age=0") }

func writeToken(x *Exchange, token, age string) {
	name := x.CookieName(x.R)
	if x.Apart {
		name += "-" + portOf(x.R, x.Config.Secure(x.R))
	}
	x.WriteCookie(x.W.Header(), x.R, name, token, age, "Lax")
}
