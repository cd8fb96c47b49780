package exchange

import (
	"net/http"
	"strings"
)

// HostOf returns the host that a request is for, in the one spelling that sessions are bound to: in lower case, without
// a port, and without the dot that may end a name.
func HostOf(r *http.Request) string {
	host, _ := cutPort(r.Host)
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// cutPort cuts what follows the colon of a port off a host. An IPv6 address has colons within its brackets, too.
func cutPort(host string) (name, port string) {
	if strings.IndexByte(host, ':') < 0 {
		return host, ""
	}
	colon := strings.LastIndexByte(host, ':')
	if strings.IndexByte(host[colon:], ']') >= 0 {
		return host, ""
	}
	return host[:colon], host[colon+1:]
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
func portOf(r *http.Request, secure bool) string {
	_, port := cutPort(r.Host)
	digits := 0
	for digits < len(port) && '0' <= port[digits] && port[digits] <= '9' {
		digits++
	}
	switch {
	case digits > 0 && digits == len(port) && digits <= len("65535"):
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
	plain, withPort := cookieValues(lines, name, port)
	if withPort.count > 0 {
		return withPort.value(), true, false
	}
	if token = plain.value(); token == "" {
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
