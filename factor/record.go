package factor

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// RecordSchema is the version of the record's layout that this package writes and reads. A record with another one is
// ErrCorrupt: an older program must not drop what it does not know.
const RecordSchema = 1

// Bounds of texts in a record.
const (
	maxRecord = 64 << 10
	maxID     = 64
)

// Record is all that is stored about one user of one app: one JSON document. It is never stored without a factor, except
// where it says that there is none (Waiting); disabling deletes it. It holds secrets: printing and logging it shows none, encoding it as JSON shows all.
type Record struct {
	// Schema is RecordSchema.
	Schema int `json:"schema"`
	// User is the identity, readable, exactly as in the Key. It shows when documents were mixed up.
	User string `json:"user"`
	// TOTP is the enrolled authenticator.
	TOTP *TOTP `json:"totp,omitempty"`
	// Recovery is the present set of recovery codes; nil when none was ever made.
	Recovery *RecoverySet `json:"recovery,omitempty"`
	// Throttle counts wrong codes.
	Throttle ThrottleState `json:"throttle,omitzero"`
	// Devices are the browsers that are trusted, at most MaxDevices.
	Devices []Device `json:"devices,omitempty"`
	// Activity is what happened lately, oldest first, at most MaxActivity events.
	Activity []Event `json:"activity,omitempty"`
	// Waiting stands in the place of all factors for somebody who has none.
	Waiting *Waiting `json:"waiting,omitempty"`
}

// TOTP is one enrolled authenticator (RFC 6238).
type TOTP struct {
	// ID is random and tells this enrolment from every other one, so that a reset replaces what it was made for.
	ID string `json:"id"`
	// Secret is the seed, MinSecret to MaxSecret bytes; in JSON as base64.
	Secret []byte `json:"secret"`
	// Algorithm is the hash.
	Algorithm Algorithm `json:"algorithm"`
	// Digits is the length of a code, 6 to 8.
	Digits int `json:"digits"`
	// Period is how long a code lives, in seconds, 1 to 3600.
	Period int `json:"period"`
	// Step is the number of the last time step whose code was used; only codes of later steps are accepted.
	Step int64 `json:"step"`
	// Created is when the enrolment was confirmed.
	Created time.Time `json:"created"`
	// Used is when a code was last accepted, the confirming one included.
	Used time.Time `json:"used,omitzero"`
}

// RecoverySet is one set of recovery codes, hashed with PBKDF2-HMAC-SHA256.
type RecoverySet struct {
	// Salt is the salt of all codes of the set, at least 16 bytes; in JSON as base64.
	Salt []byte `json:"salt"`
	// Iterations is the work factor of PBKDF2.
	Iterations int `json:"iterations"`
	// Hashes are the codes not used yet, 32 bytes each; in JSON as base64. A used one is taken out.
	Hashes [][]byte `json:"hashes"`
	// Total is how many codes the set had when it was made.
	Total int `json:"total"`
	// Created is when the set was made.
	Created time.Time `json:"created"`
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

// Parameters are how the codes of this enrolment are computed; Skew is zero, since it is no part of the record.
func (t TOTP) Parameters() Parameters {
	return Parameters{Algorithm: t.Algorithm, Digits: t.Digits, Period: time.Duration(t.Period) * time.Second}
}

// Validate tells whether the record can be used (ErrCorrupt when not). Its words quote no value.
func (r Record) Validate() error {
	switch {
	case r.Schema != RecordSchema:
		return corrupt("unknown schema")
	case !utf8.ValidString(r.User):
		return corrupt("the user's name is not UTF-8")
	case r.Waiting != nil:
		return r.validateWaiting()
	case r.TOTP == nil:
		// Disabling deletes the record, so one without a factor is damage, and must not read as "not enrolled".
		return corrupt("no factor in it")
	case r.Throttle.Failures < 0:
		return corrupt("negative count of failures")
	case !storable(r.Throttle.BlockedUntil) || !storable(r.Throttle.LastFailure):
		return corrupt("impossible time")
	case len(r.Devices) > MaxDevices || len(r.Activity) > MaxActivity:
		return corrupt("too many trusted browsers or events")
	}
	if err := r.TOTP.validate(); err != nil {
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
	if r.Recovery != nil {
		return r.Recovery.validate()
	}
	return nil
}

func (t *TOTP) validate() error {
	_, known := t.Algorithm.hash()
	switch {
	case t.ID == "" || len(t.ID) > maxID || !utf8.ValidString(t.ID):
		return corrupt("bad enrolment id")
	case len(t.Secret) < MinSecret || len(t.Secret) > MaxSecret:
		return corrupt("bad length of the seed")
	case !known:
		return corrupt("unknown algorithm")
	case t.Digits < 6 || t.Digits > 8:
		return corrupt("bad number of digits")
	case t.Period < 1 || t.Period > int(MaxPeriod/time.Second):
		return corrupt("bad period")
	case t.Step < 0:
		return corrupt("negative step")
	case !storable(t.Created) || !storable(t.Used):
		return corrupt("impossible time")
	}
	return nil
}

func (s *RecoverySet) validate() error {
	switch {
	case len(s.Salt) < minSalt || len(s.Salt) > maxSalt:
		return corrupt("bad length of the salt")
	case s.Iterations < minIterations || s.Iterations > maxIterations:
		return corrupt("bad number of iterations")
	case s.Total < 1 || s.Total > maxRecovery || len(s.Hashes) > s.Total:
		return corrupt("bad number of recovery codes")
	case !storable(s.Created):
		return corrupt("impossible time")
	}
	for _, hash := range s.Hashes {
		if len(hash) != sha256.Size {
			return corrupt("bad length of a recovery hash")
		}
	}
	return nil
}

// storable tells whether JSON can hold the time (RFC 3339 knows the years 0 to 9999).
func storable(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

func corrupt(why string) error { return fmt.Errorf("%w: %s", ErrCorrupt, why) }

// EncodeRecord validates the record and turns it into the JSON document that a Store keeps.
func EncodeRecord(record Record) ([]byte, error) {
	if err := record.Validate(); err != nil {
		return nil, err
	}
	document, err := json.Marshal(record)
	if err != nil {
		return nil, corrupt("it cannot be encoded")
	}
	if len(document) > maxRecord {
		return nil, corrupt("it is too large")
	}
	return document, nil
}

// DecodeRecord reads a stored document and validates it. Whatever is wrong is ErrCorrupt, and the error quotes nothing
// of the document, as the words of encoding/json would. Unknown fields are refused: writing the record again would
// lose them.
func DecodeRecord(document []byte) (Record, error) {
	var record *Record
	if err := decodeStrictly(document, &record); err != nil || record == nil {
		return Record{}, corrupt("it is not the expected JSON document")
	}
	if err := record.Validate(); err != nil {
		return Record{}, err
	}
	return *record, nil
}

// decodeStrictly is DecodeStrictly for what is no larger than a record may be.
func decodeStrictly(document []byte, into any) error {
	if len(document) > maxRecord {
		return errors.New("too large")
	}
	return DecodeStrictly(document, into)
}

// DecodeStrictly reads exactly one JSON value without unknown fields, for stores that put a record into a document of their own. The
// errors are those of encoding/json, which quote the document.
func DecodeStrictly(document []byte, into any) error {
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
