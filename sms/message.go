// Package sms sends text messages: one at a time, by one HTTP request to a gateway that sends them on (HTTP). It knows
// nothing of what the messages are about.
package sms

import (
	"context"
	"fmt"

	"sallyport.example/sallyport/internal/match"
)

// Message is one text message to one number.
type Message struct {
	// To is the number, which CheckNumber accepts.
	To string
	// Text is the message.
	Text string
}

// String shows neither the number nor a word of the message (P9).
func (Message) String() string { return "sms.Message{redacted}" }

// GoString is String.
func (m Message) GoString() string { return m.String() }

// Format is String, whatever the verb.
func (m Message) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(m.String())) }

// Sender sends messages. Send returns when the message was taken over by whoever delivers it, or with one of this
// package's errors. It is safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, message Message) error
}

// CheckNumber returns ErrNumber unless the text is a telephone number: `+` and 5 to 15 digits (match.IsPhoneNumber).
func CheckNumber(number string) error {
	if !match.IsPhoneNumber(number) {
		return ErrNumber
	}
	return nil
}
