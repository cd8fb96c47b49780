package factor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Schemas of a record's document. A document with another one is ErrCorrupt: a program must not drop what it does not
// know. Each record is written in the lowest schema that can hold it, so that a node of the version before, which knows
// schema 1 only, goes on reading and writing all records that are no news to it.
const (
	// Schema1 holds one authenticator and one set of recovery codes.
	Schema1 = 1
	// Schema2 holds a list of factors of any kinds.
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

// EncodeBare is EncodeRecord, but leaves out the secret of every factor: for stores that seal these one by one.
func EncodeBare(record Record) ([]byte, error) {
	if err := record.Validate(); err != nil {
		return nil, err
	}
	schema := record.Schema() // with the secrets: they belong to the record, wherever they are kept
	factors := make([]Factor, len(record.Factors))
	for i, f := range record.Factors {
		f.Secret = nil
		factors[i] = f
	}
	record.Factors = factors
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

// DecodeBare reads what EncodeBare wrote. The record is not valid before its secrets are put in: then call Validate.
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
