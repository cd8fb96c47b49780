package match

import (
	"net/url"
	"strings"
)

// IsLocal reports whether a target for a browser is a path of this very site: one slash, then anything but a second
// one. Browsers read `//` and `/\` as another host, and drop or trim control characters and white space in between.
func IsLocal(target string) bool {
	if !strings.HasPrefix(target, "/") || strings.ContainsFunc(target, ForbiddenInTarget) {
		return false
	}
	return len(target) == 1 || target[1] != '/'
}

// IsAway reports whether a target for a browser is the address of another site's page, and nothing that any reader
// could take for something else.
func IsAway(target string) bool {
	if strings.ContainsFunc(target, ForbiddenInTarget) {
		return false
	}
	address, err := url.Parse(target)
	return err == nil && (address.Scheme == "http" || address.Scheme == "https") && address.Host != "" && address.User == nil
}

// ForbiddenInTarget reports whether a character is one that browsers drop (tab, line ends), fold to a slash (backslash)
// or trim.
func ForbiddenInTarget(r rune) bool {
	return r <= ' ' || r == 0x7f || r == '\\' || r >= 0x80 && r <= 0xa0
}
