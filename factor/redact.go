package factor

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// What follows keeps seeds and hashes out of every text (promise P9). Formatter is needed beside Stringer because verbs
// such as %d would print the fields, and MarshalJSON because a logger may write what holds a record as JSON. What is
// stored is written by EncodeRecord and Ceremony.Encode.

const (
	redactedRecord   = "factor.Record{redacted}"
	redactedFactor   = "factor.Factor{redacted}"
	redactedCeremony = "factor.Ceremony{redacted}"
	redactedOffer    = "factor.Offer{redacted}"
	redactedAnswer   = "factor.Answer{redacted}"
	redactedDevice   = "factor.Device{redacted}"
)

// String shows no secret.
func (Record) String() string { return redactedRecord }

// GoString shows no secret.
func (Record) GoString() string { return redactedRecord }

// Format shows no secret, whatever the verb.
func (Record) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedRecord) }

// LogValue shows no secret.
func (Record) LogValue() slog.Value { return slog.StringValue(redactedRecord) }

// String shows no secret.
func (Device) String() string { return redactedDevice }

// GoString shows no secret.
func (Device) GoString() string { return redactedDevice }

// Format shows no secret, whatever the verb.
func (Device) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedDevice) }

// LogValue shows no secret.
func (Device) LogValue() slog.Value { return slog.StringValue(redactedDevice) }

// String shows no secret.
func (Factor) String() string { return redactedFactor }

// GoString shows no secret.
func (Factor) GoString() string { return redactedFactor }

// Format shows no secret, whatever the verb.
func (Factor) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedFactor) }

// LogValue shows no secret.
func (Factor) LogValue() slog.Value { return slog.StringValue(redactedFactor) }

// String shows no secret.
func (Ceremony) String() string { return redactedCeremony }

// GoString shows no secret.
func (Ceremony) GoString() string { return redactedCeremony }

// Format shows no secret, whatever the verb.
func (Ceremony) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedCeremony) }

// LogValue shows no secret.
func (Ceremony) LogValue() slog.Value { return slog.StringValue(redactedCeremony) }

// String shows no secret.
func (Offer) String() string { return redactedOffer }

// GoString shows no secret.
func (Offer) GoString() string { return redactedOffer }

// Format shows no secret, whatever the verb.
func (Offer) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedOffer) }

// LogValue shows no secret.
func (Offer) LogValue() slog.Value { return slog.StringValue(redactedOffer) }

// String shows no secret.
func (Answer) String() string { return redactedAnswer }

// GoString shows no secret.
func (Answer) GoString() string { return redactedAnswer }

// Format shows no secret, whatever the verb.
func (Answer) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedAnswer) }

// LogValue shows no secret.
func (Answer) LogValue() slog.Value { return slog.StringValue(redactedAnswer) }

// MarshalJSON shows no secret.
func (Record) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(redactedRecord)), nil }

// MarshalJSON shows no secret.
func (Factor) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(redactedFactor)), nil }

// MarshalJSON shows no secret.
func (Ceremony) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(redactedCeremony)), nil }
