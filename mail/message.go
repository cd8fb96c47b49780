// Package mail sends e-mail: one message at a time over SMTP (SMTP), and, where nobody may wait for that, from a
// bounded queue (Queue). It knows nothing of what the messages are about.
package mail

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"sallyport.example/sallyport/internal/match"
)

// Message is one e-mail to one address.
type Message struct {
	// To is the address, which CheckAddress accepts.
	To string
	// Subject is one line. Control characters in it become spaces.
	Subject string
	// Language is the tag of the language that it is written in, such as `de`; empty says nothing of it.
	Language string
	// Text is the message, and HTML the same for programs that show that; empty: there is the text only.
	Text, HTML string
}

// String shows neither the address nor a word of the message (P9).
func (Message) String() string { return "mail.Message{redacted}" }

// GoString is String.
func (m Message) GoString() string { return m.String() }

// Format is String, whatever the verb.
func (m Message) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(m.String())) }

// Sender sends messages. Send returns when the message was taken over by whoever delivers it, or with one of this
// package's errors. It is safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, message Message) error
}

// CheckAddress returns ErrAddress unless the text is the address of one mailbox (match.IsMailAddress).
func CheckAddress(address string) error {
	if !match.IsMailAddress(address) {
		return ErrAddress
	}
	return nil
}

// ParseFrom reads the sender's address, perhaps with a name in front: `Example <no-reply@example.com>`.
func ParseFrom(text string) (*mail.Address, error) {
	if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
		return nil, errors.New("want an address such as \"Example <no-reply@example.com>\"")
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || CheckAddress(parsed.Address) != nil {
		return nil, errors.New("want an address such as \"Example <no-reply@example.com>\"")
	}
	return parsed, nil
}

// oneLine is a text that can stand in a header: control characters are spaces.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))), " ")
}

// domainOf is what follows the @ of an address.
func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// compose writes the message with its headers.
func compose(from *mail.Address, message Message) (*gomail.Msg, error) {
	if err := CheckAddress(message.To); err != nil {
		return nil, err
	}
	composed := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	composed.FromMailAddress(from)
	composed.ToMailAddress(&mail.Address{Address: message.To})
	composed.Subject(oneLine(message.Subject))
	composed.SetDate()
	// Not the library's own ID, which has the name of this machine in it.
	composed.SetMessageIDWithValue(randomID() + "@" + domainOf(from.Address))
	// Nobody's "out of office" is to answer this (RFC 3834; the second line is for Exchange).
	composed.SetGenHeader("Auto-Submitted", "auto-generated")
	composed.SetGenHeader("X-Auto-Response-Suppress", "All")
	if message.Language != "" {
		composed.SetGenHeader("Content-Language", oneLine(message.Language))
	}
	composed.SetBodyString(gomail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		composed.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	}
	return composed, nil
}

func randomID() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // it never fails
	return hex.EncodeToString(raw)
}
