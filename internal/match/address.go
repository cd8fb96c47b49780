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

// The fewest and the most digits of a telephone number (ITU-T E.164 has 15 at most).
const (
	minDigits = 5
	maxDigits = 15
)

// IsPhoneNumber reports whether the text is a telephone number with its country's: `+` and 5 to 15 digits, and nothing
// else.
func IsPhoneNumber(number string) bool {
	digits, plus := strings.CutPrefix(number, "+")
	return plus && len(digits) >= minDigits && len(digits) <= maxDigits && strings.Trim(digits, "0123456789") == ""
}
