package totp

import (
	"encoding/base32"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLabel is the longest issuer or account in an otpauth address, in bytes after escaping, so that the whole address
// fits a QR code that a telephone can still read.
const maxLabel = 300

// typedKey is a seed for typing into an authenticator: base32 without padding.
func typedKey(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// address is the otpauth address for a QR code, in the form that authenticators agree on ("Key URI Format"). Colons are
// removed from both names, because a colon would end the issuer in the label; so are control, format and bidirectional
// characters. Very long names are cut.
func address(issuer, user, key string, parameters Parameters) string {
	issuer, user = escapeLabel(issuer), escapeLabel(user)
	label := user
	if issuer != "" {
		label = issuer + ":" + user
	}
	uri := "otpauth://totp/" + label + "?secret=" + key
	if issuer != "" {
		uri += "&issuer=" + issuer
	}
	return uri + "&algorithm=" + string(parameters.Algorithm) + "&digits=" + strconv.Itoa(parameters.Digits) +
		"&period=" + strconv.Itoa(int(parameters.Period/time.Second))
}

// escapeLabel makes a name harmless and escapes everything but RFC 3986's unreserved characters, spaces as %20:
// several authenticators show the plus sign of url.QueryEscape.
func escapeLabel(name string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for _, r := range strings.TrimSpace(name) {
		switch {
		case r == ':':
			r = '-'
		case unicode.IsSpace(r):
			r = ' '
		case r == utf8.RuneError || !unicode.IsGraphic(r):
			continue
		}
		var escaped []byte
		for _, b := range utf8.AppendRune(nil, r) {
			if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0 {
				escaped = append(escaped, b)
			} else {
				escaped = append(escaped, '%', hex[b>>4], hex[b&15])
			}
		}
		if out.Len()+len(escaped) > maxLabel {
			break
		}
		out.Write(escaped)
	}
	return out.String()
}
