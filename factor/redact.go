package factor

import (
	"fmt"
	"io"
	"log/slog"
)

// What follows keeps seeds and hashes out of every text (promise P9). Formatter is needed beside Stringer because
// verbs such as %d would print the fields.

const (
	redactedRecord   = "factor.Record{redacted}"
	redactedTOTP     = "factor.TOTP{redacted}"
	redactedRecovery = "factor.RecoverySet{redacted}"
	redactedProposal = "factor.Proposal{redacted}"
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
func (TOTP) String() string { return redactedTOTP }

// GoString shows no secret.
func (TOTP) GoString() string { return redactedTOTP }

// Format shows no secret, whatever the verb.
func (TOTP) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedTOTP) }

// LogValue shows no secret.
func (TOTP) LogValue() slog.Value { return slog.StringValue(redactedTOTP) }

// String shows no secret.
func (RecoverySet) String() string { return redactedRecovery }

// GoString shows no secret.
func (RecoverySet) GoString() string { return redactedRecovery }

// Format shows no secret, whatever the verb.
func (RecoverySet) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedRecovery) }

// LogValue shows no secret.
func (RecoverySet) LogValue() slog.Value { return slog.StringValue(redactedRecovery) }

// String shows no secret.
func (Proposal) String() string { return redactedProposal }

// GoString shows no secret.
func (Proposal) GoString() string { return redactedProposal }

// Format shows no secret, whatever the verb.
func (Proposal) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedProposal) }

// LogValue shows no secret.
func (Proposal) LogValue() slog.Value { return slog.StringValue(redactedProposal) }

// String shows no secret.
func (Device) String() string { return redactedDevice }

// GoString shows no secret.
func (Device) GoString() string { return redactedDevice }

// Format shows no secret, whatever the verb.
func (Device) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redactedDevice) }

// LogValue shows no secret.
func (Device) LogValue() slog.Value { return slog.StringValue(redactedDevice) }
