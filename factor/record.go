package factor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/sendlimit"
)

// Bounds of a record's contents.
const (
	maxRecord  = 64 << 10
	maxID      = 64
	maxName    = 256
	maxFactors = 64
)

// Record is everything that is stored about one user of one app: one document. It is stored without a factor only if it
// says so (Waiting); disabling deletes it. It contains secrets: printing, logging and marshalling it shows none.
// EncodeRecord makes the document. Its schema is not part of the record, but follows from the record's contents
// (Schema).
type Record struct {
	// User is the identity, readable, exactly as in the Key. A difference from the Key shows that documents were mixed
	// up.
	User string
	// Factors are the enrolled ones, and the recovery codes. At least one is not a set of recovery codes.
	Factors []Factor
	// Throttle counts wrong answers of all kinds.
	Throttle ThrottleState
	// Devices are the trusted browsers, at most MaxDevices.
	Devices []Device
	// Activity are the latest events, oldest first, at most MaxActivity.
	Activity []Event
	// Waiting is set instead of factors for a user who has none.
	Waiting *Waiting
	// Code is what an operator made for the user and nobody has used up yet; nil if there is none.
	Code *Code
	// Contact is how the user can be reached; nil if nobody knows, or nothing is ever sent.
	Contact *Contact
	// Unproved are sign-ins with the right password for which no factor was proved, at most maxUnproved.
	Unproved []Unproved
	// Sending is what was sent to the user lately, for the limits on that; nil if nothing was.
	Sending *sendlimit.Log
}

// Factor is one enrolled factor of any kind. Only its kind understands State and Secret.
type Factor struct {
	// ID is random and distinguishes this enrolment from every other, so that a reset replaces the one it was made for.
	ID string
	// Kind is the name of its kind.
	Kind Method
	// Name is the owner's name for it; empty if it was given none.
	Name string
	// Created is when the enrolment was confirmed.
	Created time.Time
	// Used is when an answer was last accepted, including the confirming one; zero if the kind does not record it.
	Used time.Time
	// State is what the kind must remember: JSON. A store preserves its meaning, but not its spelling.
	State json.RawMessage
	// Secret is what a store may seal in addition to the record's own protection; nil if the kind has none.
	Secret []byte
}

// ThrottleState is the count of wrong codes since the last right one.
type ThrottleState struct {
	// Failures is the number of wrong codes in a row.
	Failures int `json:"failures"`
	// BlockedUntil is when the next code will be judged; zero: at once.
	BlockedUntil time.Time `json:"blocked_until,omitzero"`
	// LastFailure is when the last wrong code was counted.
	LastFailure time.Time `json:"last_failure,omitzero"`
}

// Validate reports whether the record can be stored; if not, the error is ErrCorrupt and quotes no value. Whether a
// factor's State and Secret can be used is checked by its kind (Kind.Check), except for records in schema 1, which has
// bounds of its own.
func (r Record) Validate() error {
	switch {
	case !utf8.ValidString(r.User):
		return corrupt("the user's name is not UTF-8")
	case r.Code != nil && !r.Code.valid():
		return corrupt("bad code of an operator")
	case r.Contact != nil && !r.Contact.valid():
		return corrupt("bad address of the user")
	case len(r.Unproved) > maxUnproved || slices.ContainsFunc(r.Unproved, func(u Unproved) bool { return !u.valid() }):
		return corrupt("bad sign-in without a factor")
	case r.Sending != nil && !r.Sending.Valid():
		return corrupt("bad log of what was sent")
	case r.Throttle.Failures < 0:
		return corrupt("negative count of failures")
	case !storable(r.Throttle.BlockedUntil) || !storable(r.Throttle.LastFailure):
		return corrupt("impossible time")
	case len(r.Devices) > MaxDevices || len(r.Activity) > MaxActivity:
		return corrupt("too many trusted browsers or events")
	}
	if err := r.validateStanding(); err != nil {
		return err
	}
	for _, device := range r.Devices {
		if err := device.validate(); err != nil {
			return err
		}
	}
	for _, event := range r.Activity {
		if err := event.validate(); err != nil {
			return err
		}
	}
	if old, ok := r.schema1(); ok {
		return old.validate()
	}
	return nil
}

// validateStanding requires that the record either has factors or says that there are none (Waiting).
func (r Record) validateStanding() error {
	if r.Waiting != nil {
		return r.validateWaiting()
	}
	return r.validateFactors()
}

// validateFactors requires at least one factor that is not a set of recovery codes: disabling deletes the record, so a
// record without a factor is damaged, and must not be read as "not enrolled".
func (r Record) validateFactors() error {
	if len(r.Factors) > maxFactors {
		return corrupt("too many factors")
	}
	if !slices.ContainsFunc(r.Factors, func(f Factor) bool { return f.Kind.standsAlone() }) {
		return corrupt("no factor in it")
	}
	seen, codes := make(map[string]bool, len(r.Factors)), 0
	for _, f := range r.Factors {
		if err := f.validate(); err != nil {
			return err
		}
		if seen[f.ID] {
			return corrupt("two factors with one id")
		}
		seen[f.ID] = true
		if f.Kind == MethodRecovery {
			codes++
		}
	}
	if codes > 1 {
		return corrupt("two sets of recovery codes")
	}
	return nil
}

func (f Factor) validate() error {
	switch {
	case f.ID == "" || len(f.ID) > maxID || !utf8.ValidString(f.ID):
		return corrupt("bad enrolment id")
	case !f.Kind.wellFormed():
		return corrupt("bad kind of a factor")
	case len(f.Name) > maxName || !utf8.ValidString(f.Name):
		return corrupt("bad name of a factor")
	case !storable(f.Created) || !storable(f.Used):
		return corrupt("impossible time")
	case len(f.State) > 0 && !json.Valid(f.State):
		return corrupt("the state of a factor is not JSON")
	case f.Secret != nil && len(f.Secret) == 0:
		return corrupt("an empty secret")
	}
	return nil
}

// first returns the index of the oldest factor of a kind; -1 if there is none.
func (r Record) first(kind Method) int {
	at := -1
	for i, f := range r.Factors {
		if f.Kind == kind && (at < 0 || f.Created.Before(r.Factors[at].Created)) {
			at = i
		}
	}
	return at
}

// of returns the factors of a kind.
func (r Record) of(kind Method) []Factor {
	return slices.DeleteFunc(slices.Clone(r.Factors), func(f Factor) bool { return f.Kind != kind })
}

// find returns the index of the factor with this ID; -1 if there is none, or if it is a set of recovery codes.
func (r Record) find(id string) int {
	return slices.IndexFunc(r.Factors, func(f Factor) bool { return f.ID == id && f.Kind.standsAlone() })
}

// has reports whether the record has this factor of the kind.
func (r Record) has(kind Method, id string) bool {
	return slices.ContainsFunc(r.Factors, func(f Factor) bool { return f.Kind == kind && f.ID == id })
}

// with returns the record's factors with one more, which replaces the one with the ID place, if there is one.
func (r Record) with(f Factor, place string) []Factor {
	factors := slices.Clone(r.Factors)
	if at := slices.IndexFunc(factors, func(other Factor) bool { return other.ID == place }); at >= 0 {
		factors[at] = f
		return factors
	}
	return append(factors, f)
}

// storable reports whether JSON can hold the time (RFC 3339 has the years 0 to 9999).
func storable(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

func corrupt(why string) error { return fmt.Errorf("%w: %s", ErrCorrupt, why) }

// Waiting is the record of a user who has no factor yet but about whom something must be remembered. A record has
// either this or factors, never both, so that a record that has lost its factors by damage cannot be mistaken for it.
type Waiting struct {
	// Grace is when the user's grace period for setting up a required factor began; zero: it did not begin.
	Grace time.Time `json:"grace,omitzero"`
	// Offered is when a factor was offered; zero: never.
	Offered time.Time `json:"offered,omitzero"`
	// Reset is when an operator took all factors away. Until the next set-up, which needs a code that an operator made,
	// a password alone opens nothing. Zero: no operator did.
	Reset time.Time `json:"reset,omitzero"`
}

// validateWaiting checks a record without factors. Such a record has wrong codes and activity only if an operator has
// done something for the user, or something was sent to the user.
func (r Record) validateWaiting() error {
	helped := !r.Waiting.Reset.IsZero() || r.Code != nil || r.Sending != nil
	switch {
	case r.Factors != nil || r.Devices != nil || !helped && (r.Throttle != (ThrottleState{}) || r.Activity != nil):
		return corrupt("it has a factor and waits for one")
	case r.Waiting.Grace.IsZero() && r.Waiting.Offered.IsZero() && !helped:
		return corrupt("it waits for nothing")
	case !storable(r.Waiting.Grace) || !storable(r.Waiting.Offered) || !storable(r.Waiting.Reset):
		return corrupt("impossible time")
	}
	return nil
}

// BeginGrace returns when the user's grace period began, and begins it now if it had not. ErrAlreadyEnrolled if the
// user has a factor, ErrCodeOwed if an operator has reset the account.
func (s *Service) BeginGrace(ctx context.Context, user string) (began time.Time, err error) {
	err = s.wait(ctx, user, func(waiting *Waiting, now time.Time) (changed bool) {
		if changed = waiting.Grace.IsZero(); changed {
			waiting.Grace = now
		}
		began = waiting.Grace
		return changed
	})
	return began, err
}

// Offer reports whether the user should be offered a factor: once, and never again. ErrAlreadyEnrolled if the user has
// one, ErrCodeOwed if an operator has reset the account.
func (s *Service) Offer(ctx context.Context, user string) (first bool, err error) {
	err = s.wait(ctx, user, func(waiting *Waiting, now time.Time) bool {
		if first = waiting.Offered.IsZero(); first {
			waiting.Offered = now
		}
		return first
	})
	return first && err == nil, err
}

// wait changes what is remembered about a user without a factor. If note changes nothing, it does not write.
func (s *Service) wait(ctx context.Context, user string, note func(*Waiting, time.Time) (changed bool)) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if exists {
			return verdict{}, ErrAlreadyEnrolled
		}
		if record.reset() {
			return verdict{}, ErrCodeOwed
		}
		var waiting Waiting
		if record.Waiting != nil {
			waiting = *record.Waiting
		}
		if !note(&waiting, s.config.Now().UTC()) {
			return verdict{keep: true}, nil
		}
		record.User, record.Waiting = user, &waiting
		return verdict{next: record}, nil
	})
}

// The following methods keep seeds and hashes out of every text (promise P9). Formatter is needed in addition to
// Stringer because verbs such as %d would print the fields, and MarshalJSON because a logger may write a value with a
// record in it as JSON. EncodeRecord and Ceremony.Encode write the stored forms.

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
