package schema1test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// ErrCorrupt is the previous version's error for everything that it could not read.
var ErrCorrupt = errors.New("schema1test: the stored record cannot be used")

// Record is a record of the previous version. The order of the fields is the order in the document.
type Record struct {
	Schema   int           `json:"schema"`
	User     string        `json:"user"`
	TOTP     *TOTP         `json:"totp,omitempty"`
	Recovery *RecoverySet  `json:"recovery,omitempty"`
	Throttle ThrottleState `json:"throttle,omitzero"`
	Devices  []Device      `json:"devices,omitempty"`
	Activity []Event       `json:"activity,omitempty"`
	Waiting  *Waiting      `json:"waiting,omitempty"`
}

// TOTP was the one enrolled authenticator.
type TOTP struct {
	ID        string    `json:"id"`
	Secret    []byte    `json:"secret"`
	Algorithm string    `json:"algorithm"`
	Digits    int       `json:"digits"`
	Period    int       `json:"period"`
	Step      int64     `json:"step"`
	Created   time.Time `json:"created"`
	Used      time.Time `json:"used,omitzero"`
}

// RecoverySet was a set of recovery codes.
type RecoverySet struct {
	Salt       []byte    `json:"salt"`
	Iterations int       `json:"iterations"`
	Hashes     [][]byte  `json:"hashes"`
	Total      int       `json:"total"`
	Created    time.Time `json:"created"`
}

// ThrottleState was the count of wrong codes.
type ThrottleState struct {
	Failures     int       `json:"failures"`
	BlockedUntil time.Time `json:"blocked_until,omitzero"`
	LastFailure  time.Time `json:"last_failure,omitzero"`
}

// Device was a trusted browser.
type Device struct {
	ID       string    `json:"id"`
	Hash     []byte    `json:"hash"`
	Previous []byte    `json:"previous,omitempty"`
	Key      []byte    `json:"key,omitempty"`
	Browser  string    `json:"browser,omitempty"`
	Created  time.Time `json:"created"`
	Used     time.Time `json:"used"`
}

// Event was a line of the activity.
type Event struct {
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	Address string    `json:"address,omitempty"`
	Browser string    `json:"browser,omitempty"`
	Count   int       `json:"count,omitempty"`
}

// Waiting was set for a user without a factor.
type Waiting struct {
	Grace   time.Time `json:"grace,omitzero"`
	Offered time.Time `json:"offered,omitzero"`
}

var (
	algorithms = []string{"SHA1", "SHA256", "SHA512"}
	eventKinds = []string{
		"sign-in-totp", "sign-in-recovery", "sign-in-trusted", "failure", "enabled", "reset", "codes", "forgotten", "misused",
	}
)

// Encode validates a record and writes it.
func Encode(record Record) ([]byte, error) {
	if err := record.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(record)
}

// Decode reads a record strictly, and validates it.
func Decode(document []byte) (Record, error) {
	var record *Record
	if len(document) > 64<<10 {
		return Record{}, corrupt("it is too large")
	}
	if err := decodeStrictly(document, &record); err != nil || record == nil {
		return Record{}, corrupt("it is not the expected JSON document")
	}
	return *record, record.Validate()
}

func decodeStrictly(document []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("trailing data")
	}
	return nil
}

// Validate checks what the previous version required of a record.
func (r Record) Validate() error {
	switch {
	case r.Schema != 1:
		return corrupt("unknown schema")
	case !utf8.ValidString(r.User):
		return corrupt("the user's name is not UTF-8")
	case r.Waiting != nil:
		return r.validateWaiting()
	case r.TOTP == nil:
		return corrupt("no factor in it")
	case r.Throttle.Failures < 0:
		return corrupt("negative count of failures")
	case !storable(r.Throttle.BlockedUntil, r.Throttle.LastFailure):
		return corrupt("impossible time")
	case len(r.Devices) > 8 || len(r.Activity) > 20:
		return corrupt("too many trusted browsers or events")
	}
	for _, d := range r.Devices {
		if d.ID == "" || len(d.ID) > 64 || len(d.Hash) != 32 || d.Previous != nil && len(d.Previous) != 32 ||
			d.Key != nil && len(d.Key) != 65 || len(d.Browser) > 80 || !storable(d.Created, d.Used) {
			return corrupt("bad trusted browser")
		}
	}
	for _, e := range r.Activity {
		if !slices.Contains(eventKinds, e.Kind) || !storable(e.At) || len(e.Address) > 80 || len(e.Browser) > 80 || e.Count < 0 {
			return corrupt("bad event")
		}
	}
	if err := r.TOTP.validate(); err != nil {
		return err
	}
	return r.Recovery.validate()
}

func (r Record) validateWaiting() error {
	if r.TOTP != nil || r.Recovery != nil || r.Throttle != (ThrottleState{}) || r.Devices != nil || r.Activity != nil {
		return corrupt("somebody who has a factor waits for one")
	}
	if r.Waiting.Grace.IsZero() && r.Waiting.Offered.IsZero() || !storable(r.Waiting.Grace, r.Waiting.Offered) {
		return corrupt("nothing is waited for")
	}
	return nil
}

func (t *TOTP) validate() error {
	if t.ID == "" || len(t.ID) > 64 || !utf8.ValidString(t.ID) || len(t.Secret) < 16 || len(t.Secret) > 128 ||
		!slices.Contains(algorithms, t.Algorithm) || t.Digits < 6 || t.Digits > 8 || t.Period < 1 || t.Period > 3600 ||
		t.Step < 0 || !storable(t.Created, t.Used) {
		return corrupt("bad authenticator")
	}
	return nil
}

func (s *RecoverySet) validate() error {
	if s == nil {
		return nil
	}
	if len(s.Salt) < 16 || len(s.Salt) > 64 || s.Iterations < 1000 || s.Iterations > 5_000_000 || s.Total < 1 || s.Total > 100 ||
		len(s.Hashes) > s.Total || !storable(s.Created) {
		return corrupt("bad recovery codes")
	}
	if slices.ContainsFunc(s.Hashes, func(hash []byte) bool { return len(hash) != 32 }) {
		return corrupt("bad length of a recovery hash")
	}
	return nil
}

func storable(times ...time.Time) bool {
	return !slices.ContainsFunc(times, func(t time.Time) bool { return t.Year() < 0 || t.Year() > 9999 })
}

func corrupt(why string) error { return fmt.Errorf("%w: %s", ErrCorrupt, why) }
