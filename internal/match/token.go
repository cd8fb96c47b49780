package match

import "strings"

// notInTokens are the visible characters that no token has.
const notInTokens = "()<>@,;:\\\"/[]?={}"

// IsToken reports whether text is a token of RFC 9110 §5.6.2: a method, the name of a header or cookie, or a scheme.
func IsToken(text string) bool {
	for i := range len(text) {
		if !TokenByte(text[i]) {
			return false
		}
	}
	return text != ""
}

// TokenByte reports whether a byte may stand in a token.
func TokenByte(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte(notInTokens, c) < 0
}

// WithoutScheme is the token in a header's value: what stands behind the one scheme in front of it (`Bearer`, `JWT`,
// `Token`), or the whole.
func WithoutScheme(value string) string {
	if scheme, rest, found := strings.Cut(value, " "); found && IsToken(scheme) {
		return rest
	}
	return value
}
