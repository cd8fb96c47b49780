package exchange

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// hostPrefix is what makes browsers refuse a cookie that is not Secure, has a Domain, or was set by another host
// (RFC 6265bis §4.1.3.2).
const hostPrefix = "__Host-"

// CheckCookie says what is wrong with a name for the gateway's own cookie.
func CheckCookie(name string) error {
	_, _, err := cookieNames(name)
	return err
}

// cookieNames are the names of the gateway's own cookie on https and on http, where browsers do not accept the prefix.
func cookieNames(configured string) (secure, plain string, err error) {
	for i := range len(configured) {
		c := configured[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return "", "", fmt.Errorf("cookie %q: use letters, digits, - and _", configured)
		}
	}
	plain = strings.TrimPrefix(configured, hostPrefix)
	if plain == "" {
		return "", "", fmt.Errorf("cookie %q: want a name", configured)
	}
	return configured, plain, nil
}

// CookieName is what the gateway's own cookie is called in the request.
func (s *Site) CookieName(r *http.Request) string {
	if s.Config.Secure(r) {
		return s.SecureName
	}
	return s.PlainName
}

// shownToken reads the session's token from the raw header, because net/http reads no cookie from a header with more
// than 3000. If the cookie occurs twice, none is accepted: somebody has planted one of them.
func (s *Site) shownToken(r *http.Request) string {
	return CookieValue(r.Header["Cookie"], s.CookieName(r))
}

// CookieValue is the value of a cookie. It is empty if there is no cookie of that name, or more than one.
func CookieValue(lines []string, name string) string {
	found := ""
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			pair = strings.Trim(pair, " \t")
			if len(pair) <= len(name) || pair[len(name)] != '=' || pair[:len(name)] != name {
				continue
			}
			if found != "" {
				return ""
			}
			found = pair[len(name)+1:]
		}
	}
	return found
}

// setToken sets the session's cookie. It is SameSite=Lax, so that a link in a mail leads into the app and a form on
// another site does not. It has no age, so it ends with the browser, if the session has not ended before.
func (s *Site) setToken(h http.Header, r *http.Request, token string) {
	s.writeToken(h, r, token, "")
}

// ClearToken removes the session's cookie from the browser.
func (s *Site) ClearToken(h http.Header, r *http.Request) {
	s.writeToken(h, r, "", "; Max-Age=0")
}

func (s *Site) writeToken(h http.Header, r *http.Request, token, age string) {
	s.WriteCookie(h, r, s.CookieName(r), token, age, "Lax")
}

// WriteCookie sets a cookie of ours. It replaces one of that name that the answer already sets.
func (s *Site) WriteCookie(h http.Header, r *http.Request, name, value, age, sameSite string) {
	secure := ""
	if s.Config.Secure(r) {
		secure = "; Secure"
	}
	// An earlier line of this answer for the same cookie is replaced: browsers would obey the last one only.
	kept := h["Set-Cookie"][:0:0]
	for _, line := range h["Set-Cookie"] {
		if !strings.HasPrefix(line, name+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, name+"="+value+"; Path=/"+age+secure+"; HttpOnly; SameSite="+sameSite)
}

// TransportIsSafe reports whether a session may travel with the request: over TLS, or without it on loopback only.
func (s *Site) TransportIsSafe(r *http.Request) bool {
	if s.Config.Secure(r) {
		return true
	}
	switch address := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return address.IP.IsLoopback()
	case *net.UDPAddr:
		return address.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
