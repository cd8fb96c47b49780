package exchange

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// hostPrefix makes browsers refuse a cookie that is not Secure, has a Domain, or was set by another host (RFC 6265bis
// §4.1.3.2).
const hostPrefix = "__Host-"

// CheckCookie returns what is wrong with a name for the gateway's own cookie.
func CheckCookie(name string) error {
	_, _, err := cookieNames(name)
	return err
}

// cookieNames returns the names of the gateway's own cookie on https and on http, where browsers do not accept the
// prefix.
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

// CookieName returns the name that the gateway's own cookie has in the request.
func (s *Site) CookieName(r *http.Request) string {
	if s.Config.Secure(r) {
		return s.SecureName
	}
	return s.PlainName
}

// CookieValue returns the value of the one cookie with that name. It returns "" if there is none, or if there are
// several, because one of them was then planted. It reads the raw header, because net/http reads no cookie at all from
// a header with more than 3000.
func CookieValue(lines []string, name string) string {
	found, _ := cookieValues(lines, name, "")
	return found.value()
}

// values are what a client sends as cookies of one name.
type values struct {
	last  string
	count int
}

// value is the value of the one cookie; empty if there are several.
func (v values) value() string {
	if v.count != 1 {
		return ""
	}
	return v.last
}

// cookieValues reads the cookies with a name, and those with the name, a `-` and a port.
func cookieValues(lines []string, name, port string) (plain, withPort values) {
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			for pair != "" && (pair[0] == ' ' || pair[0] == '\t') {
				pair = pair[1:]
			}
			if len(pair) <= len(name) || pair[:len(name)] != name {
				continue
			}
			rest := strings.TrimRight(pair[len(name):], " \t")
			if value, found := strings.CutPrefix(rest, "="); found {
				plain = values{value, plain.count + 1}
				continue
			}
			value, found := strings.CutPrefix(rest, "-"+port+"=")
			if found && port != "" {
				withPort = values{value, withPort.count + 1}
			}
		}
	}
	return plain, withPort
}

// WriteCookie sets a cookie of ours. It replaces one of that name that the answer already sets.
func (s *Site) WriteCookie(h http.Header, r *http.Request, name, value, age, sameSite string) {
	secure := ""
	if s.Config.Secure(r) {
		secure = "; Secure"
	}
	// It replaces an earlier line of this answer for the same cookie, because browsers would obey only the last one.
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
