package login

import (
	"errors"

	"sallyport.example/sallyport/internal/match"
)

// MailAddress returns the e-mail address in an answer that named somebody, by a pointer of the operator's; empty if
// there is none. What is not the address of one mailbox, and nothing else, is none.
func (i *Identity) MailAddress(a Answer, pointer string) string {
	tokens, err := parsePointer(pointer)
	if err != nil || pointer == "" || a.BodyUnknown {
		return ""
	}
	n, err := pickAnswer(a.Body, tokens)
	if err != nil || n == nil || n.kind != text || !match.IsMailAddress(n.text) {
		return ""
	}
	return n.text
}

// CheckPointer returns what is wrong with a pointer (RFC 6901) to an address.
func CheckPointer(pointer string) error {
	if pointer == "" {
		return errors.New("want a JSON pointer such as /email")
	}
	_, err := parsePointer(pointer)
	return err
}
