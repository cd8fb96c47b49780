package factor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"
)

// Schemas of a record's document. A document with another schema is ErrCorrupt: a program must not drop what it does
// not know. Each record is written in the lowest schema that can hold it, so that a node of the previous version, which
// knows schema 1 only, can still read and write all records without anything new in them.
const (
	// Schema1 holds one authenticator and one set of recovery codes.
	Schema1 = 1
	// Schema2 holds a list of factors of any kinds, and what operators do.
	Schema2 = 2
)

// Schema is the lowest one that can hold the record, and so the one in which it is written.
func (r Record) Schema() int {
	if _, ok := r.schema1(); ok {
		return Schema1
	}
	return Schema2
}

// EncodeRecord validates the record and turns it into the JSON document that a Store keeps.
func EncodeRecord(record Record) ([]byte, error) {
	if err := record.Validate(); err != nil {
		return nil, err
	}
	return record.encode(record.Schema())
}

// EncodeBare is EncodeRecord, but leaves out the secret of every factor and the user's address: for stores that seal
// these one by one.
func EncodeBare(record Record) ([]byte, error) {
	if err := record.Validate(); err != nil {
		return nil, err
	}
	schema := record.Schema() // including the secrets: they belong to the record, wherever they are kept
	factors := make([]Factor, len(record.Factors))
	for i, f := range record.Factors {
		f.Secret = nil
		factors[i] = f
	}
	record.Factors = factors
	if record.Contact != nil {
		record.Contact = &Contact{Language: record.Contact.Language}
	}
	return record.encode(schema)
}

func (r Record) encode(schema int) ([]byte, error) {
	var layout any = r.schema2()
	if schema == Schema1 {
		layout, _ = r.schema1()
	}
	document, err := json.Marshal(layout)
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
	record, err := DecodeBare(document)
	if err == nil {
		err = record.Validate()
	}
	if err != nil {
		return Record{}, err
	}
	return record, nil
}

// DecodeBare reads what EncodeBare wrote. The record is not valid before its secrets and the address are put in: then
// call Validate.
func DecodeBare(document []byte) (Record, error) {
	var head *struct {
		Schema int `json:"schema"`
	}
	if len(document) > maxRecord || json.Unmarshal(document, &head) != nil || head == nil {
		return Record{}, corrupt("it is not the expected JSON document")
	}
	var record Record
	var err error
	switch head.Schema {
	case Schema1:
		var layout schema1Record
		if err = DecodeStrictly(document, &layout); err == nil {
			record, err = layout.record()
		}
	case Schema2:
		var layout schema2Record
		if err = DecodeStrictly(document, &layout); err == nil {
			record = layout.record()
		}
	default:
		return Record{}, corrupt("unknown schema")
	}
	if err != nil {
		return Record{}, corrupt("it is not the expected JSON document")
	}
	return record, nil
}

// DecodeListed reads from a stored document what a list shows, and checks nothing else. Use DecodeRecord wherever a
// decision depends on the record.
func DecodeListed(document []byte) (Listed, error) {
	var layout struct {
		Schema        int       `json:"schema"`
		User          string    `json:"user"`
		Authenticator *struct{} `json:"totp"`
		Factors       []struct {
			Kind Method `json:"kind"`
		} `json:"factors"`
		Throttle ThrottleState `json:"throttle"`
		Waiting  *struct{}     `json:"waiting"`
	}
	if len(document) > maxRecord || json.Unmarshal(document, &layout) != nil {
		return Listed{}, corrupt("it is not the expected JSON document")
	}
	listed := Listed{User: layout.User, Waiting: layout.Waiting != nil, Throttle: layout.Throttle}
	switch {
	case layout.Schema != Schema1 && layout.Schema != Schema2:
		return Listed{}, corrupt("unknown schema")
	case layout.Authenticator != nil:
		listed.Factors = []Method{MethodTOTP}
	}
	for _, f := range layout.Factors {
		if f.Kind.standsAlone() {
			listed.Factors = append(listed.Factors, f.Kind)
		}
	}
	if listed.Waiting == (len(listed.Factors) > 0) {
		return Listed{}, corrupt("no factor in it, or a factor of somebody who waits for one")
	}
	return listed, nil
}

// DecodeStrictly reads exactly one JSON value without unknown fields, for stores that put a record into a document of
// their own, and for kinds. The errors are those of encoding/json, which quote the document.
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

// schema2Record is the layout of schema 2.
type schema2Record struct {
	Schema   int             `json:"schema"`
	User     string          `json:"user"`
	Factors  []schema2Factor `json:"factors,omitempty"`
	Throttle ThrottleState   `json:"throttle,omitzero"`
	Devices  []Device        `json:"devices,omitempty"`
	Activity []Event         `json:"activity,omitempty"`
	Waiting  *Waiting        `json:"waiting,omitempty"`
	Code     *Code           `json:"code,omitempty"`
	Contact  *Contact        `json:"contact,omitempty"`
	Unproved []Unproved      `json:"unproved,omitempty"`
}

type schema2Factor struct {
	ID      string          `json:"id"`
	Kind    Method          `json:"kind"`
	Name    string          `json:"name,omitempty"`
	Created time.Time       `json:"created"`
	Used    time.Time       `json:"used,omitzero"`
	State   json.RawMessage `json:"state,omitempty"`
	Secret  []byte          `json:"secret,omitempty"`
}

func (r Record) schema2() schema2Record {
	layout := schema2Record{
		Schema: Schema2, User: r.User, Throttle: r.Throttle, Devices: r.Devices, Activity: r.Activity, Waiting: r.Waiting,
		Code: r.Code, Contact: r.Contact, Unproved: r.Unproved,
	}
	for _, f := range r.Factors {
		f.State = canonical(f.State)
		layout.Factors = append(layout.Factors, schema2Factor(f))
	}
	return layout
}

// canonical returns a JSON text in one spelling, with the names of objects in order. A store may return a state in
// another spelling than it got, as Vault does, and two records that mean the same must not look different. A text that
// is not JSON is returned unchanged; Validate refuses it.
func canonical(state json.RawMessage) json.RawMessage {
	if len(state) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(state))
	decoder.UseNumber() // so that no number loses a digit
	var content any
	if decoder.Decode(&content) != nil {
		return state
	}
	spelt, err := json.Marshal(content)
	if err != nil {
		return state
	}
	return spelt
}

func (l schema2Record) record() Record {
	record := Record{
		User: l.User, Throttle: l.Throttle, Devices: l.Devices, Activity: l.Activity, Waiting: l.Waiting, Code: l.Code,
		Contact: l.Contact, Unproved: l.Unproved,
	}
	for _, f := range l.Factors {
		record.Factors = append(record.Factors, Factor(f))
	}
	return record
}

// MaxTyped is the length in bytes of the longest typed text that is examined as a code.
const MaxTyped = 256

// PlainCode returns a typed code without spaces of every kind, dashes, and invisible marks that are copied with a code,
// and with the digits of all scripts as those from 0 to 9, because a keyboard may produce Arabic or full-width ones. An
// overlong text becomes empty. Nothing else normalises typed codes.
func PlainCode(typed string) string {
	if len(typed) > MaxTyped {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && r > ' ' && r != '-':
			return r
		case unicode.IsSpace(r) || r == '\u2212' || unicode.In(r, unicode.Zs, unicode.Pd, unicode.Cf):
			return -1
		}
		return asDigit(r)
	}, typed)
}

// asDigit returns the digit from 0 to 9 for a decimal digit of any script; every other character is returned unchanged.
// Unicode gives each script ten of them in a row, from zero on, so that ranges of them begin with a zero.
func asDigit(r rune) rune {
	for _, part := range unicode.Nd.R16 {
		if r >= rune(part.Lo) && r <= rune(part.Hi) {
			return '0' + (r-rune(part.Lo))%10
		}
	}
	for _, part := range unicode.Nd.R32 {
		if r >= rune(part.Lo) && r <= rune(part.Hi) {
			return '0' + (r-rune(part.Lo))%10
		}
	}
	return r
}
