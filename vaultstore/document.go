package vaultstore

import (
	"encoding/json"
	"strconv"

	"sallyport/factor"
)

// documentSchema is the layout that this package reads and writes.
const documentSchema = 1

// document is what is stored at a key's place.
type document struct {
	Schema int    `json:"schema"`
	App    string `json:"app"`
	User   string `json:"user"`
	// Generation tells this enrolment's document from every earlier one at the same place.
	Generation uint32 `json:"generation"`
	// Write is random in every write, so that a write whose answer was lost can be recognised.
	Write string `json:"write"`
	// Disabled marks the last version of an enrolment that has ended; its metadata are about to be deleted. There is no
	// record in it.
	Disabled bool `json:"disabled,omitempty"`
	// Purge says that earlier versions may still hold another seed.
	Purge bool `json:"purge,omitempty"`
	// SealedSeed is the seed as Vault's transit engine sealed it; the one in Record is empty then.
	SealedSeed string `json:"sealed_seed,omitempty"`
	// Record is the factor.Record.
	Record json.RawMessage `json:"record,omitempty"`
}

// newDocument puts a record into a document. With a sealed seed the record goes in without its own.
func newDocument(key factor.Key, record factor.Record, generation uint32, sealed string) (document, error) {
	if record.User != key.User {
		return document{}, corrupt("the record is another user's")
	}
	content, err := factor.EncodeRecord(record)
	if err != nil {
		return document{}, err
	}
	if sealed != "" {
		bare, seedless := record, *record.TOTP
		seedless.Secret = nil
		bare.TOTP = &seedless
		if content, err = json.Marshal(bare); err != nil {
			return document{}, corrupt("it cannot be encoded")
		}
	}
	return document{
		Schema: documentSchema, App: key.App, User: key.User, Generation: generation, SealedSeed: sealed, Record: content,
	}, nil
}

// decodeDocument reads a document of the key strictly. Whatever is wrong is factor.ErrCorrupt; the error quotes nothing.
func decodeDocument(key factor.Key, content []byte) (document, error) {
	var d *document
	if err := factor.DecodeStrictly(content, &d); err != nil || d == nil {
		return document{}, corrupt("it is not a document of this gateway")
	}
	switch {
	case d.Schema != documentSchema:
		return document{}, corrupt("unknown schema of the document")
	case d.App != key.App || d.User != key.User:
		return document{}, corrupt("the document is another user's")
	case d.Generation == 0:
		return document{}, corrupt("the document has no generation")
	case d.Disabled && (d.Record != nil || d.SealedSeed != ""):
		return document{}, corrupt("a disabled document with a record in it")
	case !d.Disabled && d.Record == nil:
		return document{}, corrupt("no record in the document")
	}
	return *d, nil
}

// record takes the record out. seed opens the sealed seed; it is not called where there is none.
func (d document) record(seed func(sealed string) ([]byte, error)) (factor.Record, error) {
	if d.SealedSeed == "" {
		record, err := factor.DecodeRecord(d.Record)
		if err == nil && record.User != d.User {
			return factor.Record{}, corrupt("the record is another user's")
		}
		return record, err
	}
	var record *factor.Record
	if err := factor.DecodeStrictly(d.Record, &record); err != nil || record == nil {
		return factor.Record{}, corrupt("it is not the expected JSON document")
	}
	if record.TOTP == nil || len(record.TOTP.Secret) != 0 || record.User != d.User {
		return factor.Record{}, corrupt("the record does not fit its sealed seed")
	}
	opened, err := seed(d.SealedSeed)
	if err != nil {
		return factor.Record{}, err
	}
	record.TOTP.Secret = opened
	if err := record.Validate(); err != nil {
		return factor.Record{}, err
	}
	return *record, nil
}

// A factor.Version holds three things: the generation in the upper half; in the lower one KV's own number, and on top of
// that a sign that the metadata were not written yet.
const (
	bareSign  = 1 << 31
	maxNumber = bareSign - 1
)

func packVersion(generation uint32, number int64, bare bool) (factor.Version, error) {
	if generation == 0 || number < 1 || number > maxNumber {
		return 0, corrupt("impossible version of the document")
	}
	packed := factor.Version(generation)<<32 | factor.Version(number)
	if bare {
		packed |= bareSign
	}
	return packed, nil
}

func unpackVersion(v factor.Version) (generation uint32, number int64, bare bool) {
	return uint32(v >> 32), int64(v & maxNumber), v&bareSign != 0
}

// generationOf reads the generation from custom metadata; 0 where there is none.
func generationOf(custom map[string]string) uint32 {
	generation, err := strconv.ParseUint(custom[customGeneration], 10, 32)
	if err != nil {
		return 0
	}
	return uint32(generation)
}
