package match

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAddress is how long an e-mail address may be (RFC 5321, 4.5.3.1.3, without the angle brackets).
const maxAddress = 254

// IsMailAddress reports whether the text is the e-mail address of one mailbox and nothing else: no name beside it, no
// comment, no second address, and nothing that could begin another line of a header.
func IsMailAddress(address string) bool {
	if address == "" || len(address) > maxAddress || !utf8.ValidString(address) || strings.ContainsFunc(address, oddInAddress) {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address
}

// oddInAddress reports whether a character has no place in an address: spaces and quotes are lawful there, but no
// mailbox that anybody has contains them, and programs disagree about where such an address ends.
func oddInAddress(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("\"\\<>(),:;", r)
}
