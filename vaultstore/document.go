package vaultstore

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"sallyport.example/sallyport/factor"
)

// The layouts that this package reads and writes. A document has its record's schema, so that a node of the previous
// version can go on with everything it knows. A document without a record has schema 1.
const (
	// documentSchema1 seals the one secret of a record.
	documentSchema1 = factor.Schema1
	// documentSchema2 seals the secrets of any number of factors, each by itself.
	documentSchema2 = factor.Schema2
)

// document is what is stored at a key's place.
type document struct {
	Schema int    `json:"schema"`
	App    string `json:"app"`
	User   string `json:"user"`
	// Generation distinguishes this enrolment's document from every earlier one at the same place.
	Generation uint32 `json:"generation"`
	// Write is random in every write, so that a write whose answer was lost can be recognised.
	Write string `json:"write"`
	// Disabled marks the last version of an ended enrolment, whose metadata are about to be deleted. It has no record.
	Disabled bool `json:"disabled,omitempty"`
	// Purge says that earlier versions may still contain another seed.
	Purge bool `json:"purge,omitempty"`
	// SealedSeed is, in schema 1, the secret of the record's first factor as Vault's transit engine sealed it. The one
	// in Record is empty then.
	SealedSeed string `json:"sealed_seed,omitempty"`
	// Sealed are, in schema 2, the sealed secrets by the IDs of their factors. Record has no secrets then.
	Sealed map[string]string `json:"sealed,omitempty"`
	// SealedMail is, in schema 2, the user's sealed e-mail address. Record has none then.
	SealedMail string `json:"sealed_mail,omitempty"`
	// Record is the document of the factor.Record.
	Record json.RawMessage `json:"record,omitempty"`
}

// mailID stands for the user's e-mail address among the IDs of factors. No factor has it.
const mailID = ""

// newDocument puts a record into a document. If there are sealed secrets, by the IDs of their factors, the record's own
// are left out. With them, the address is sealed as well (mailID).
func newDocument(key factor.Key, record factor.Record, generation uint32, sealed map[string]string) (document, error) {
	if record.User != key.User {
		return document{}, corrupt("the record is another user's")
	}
	d := document{Schema: record.Schema(), App: key.App, User: key.User, Generation: generation}
	var err error
	if len(sealed) == 0 {
		d.Record, err = factor.EncodeRecord(record)
		return d, err
	}
	for id, text := range sealed {
		switch {
		case id == mailID:
			d.SealedMail = text
		case d.Schema == documentSchema1: // exactly one, and the reader gives it to the first factor
			d.SealedSeed = text
		default:
			if d.Sealed == nil {
				d.Sealed = make(map[string]string, len(sealed))
			}
			d.Sealed[id] = text
		}
	}
	d.Record, err = factor.EncodeBare(record)
	return d, err
}

// decodeDocument reads a document of the key strictly. Any damage is factor.ErrCorrupt; the error quotes nothing.
func decodeDocument(key factor.Key, content []byte) (document, error) {
	var d *document
	if err := factor.DecodeStrictly(content, &d); err != nil || d == nil {
		return document{}, corrupt("it is not a document of this gateway")
	}
	switch {
	case d.Schema != documentSchema1 && d.Schema != documentSchema2:
		return document{}, corrupt("unknown schema of the document")
	case d.App != key.App || d.User != key.User:
		return document{}, corrupt("the document is another user's")
	case d.Generation == 0:
		return document{}, corrupt("the document has no generation")
	case d.SealedSeed != "" && d.Schema != documentSchema1 || (d.Sealed != nil || d.SealedMail != "") && d.Schema != documentSchema2:
		return document{}, corrupt("sealed in the way of another schema")
	case d.Disabled && (d.Record != nil || d.SealedSeed != "" || d.Sealed != nil || d.SealedMail != ""):
		return document{}, corrupt("a disabled document with a record in it")
	case !d.Disabled && d.Record == nil:
		return document{}, corrupt("no record in the document")
	}
	return *d, nil
}

// record returns the record. open opens sealed secrets, which are named by the IDs of their factors. It is not called
// if there are none.
func (d document) record(open func(sealed map[string]string) (map[string][]byte, error)) (factor.Record, error) {
	record, err := factor.DecodeBare(d.Record)
	if err != nil {
		return factor.Record{}, err
	}
	if record.User != d.User {
		return factor.Record{}, corrupt("the record is another user's")
	}
	sealed := make(map[string]string, len(d.Sealed)+1)
	maps.Copy(sealed, d.Sealed)
	if d.SealedSeed != "" {
		if len(record.Factors) == 0 {
			return factor.Record{}, corrupt("the record does not fit its sealed seed")
		}
		sealed[record.Factors[0].ID] = d.SealedSeed
	}
	if d.SealedMail != "" {
		sealed[mailID] = d.SealedMail
	}
	if len(sealed) > 0 {
		if err := unseal(&record, sealed, open); err != nil {
			return factor.Record{}, err
		}
	}
	if err := record.Validate(); err != nil {
		return factor.Record{}, err
	}
	return record, nil
}

// unseal puts secrets back into a record from which they were left out.
func unseal(record *factor.Record, sealed map[string]string, open func(map[string]string) (map[string][]byte, error)) error {
	places := make(map[string]*factor.Factor, len(sealed))
	for id := range sealed {
		at := slices.IndexFunc(record.Factors, func(f factor.Factor) bool { return f.ID == id })
		switch {
		case id == mailID && record.Contact != nil && record.Contact.Mail == "":
		case id == mailID || at < 0 || len(record.Factors[at].Secret) != 0:
			return corrupt("the record does not fit its sealed secrets")
		default:
			places[id] = &record.Factors[at]
		}
	}
	secrets, err := open(sealed)
	if err != nil {
		return err
	}
	for id := range sealed {
		secret := secrets[id]
		switch {
		case len(secret) == 0:
			return corrupt("a sealed secret is empty")
		case id == mailID:
			record.Contact.Mail = string(secret)
		default:
			places[id].Secret = secret
		}
	}
	return nil
}

// A factor.Version has three parts: the generation in the upper half; in the lower half KV's own number and, as the top
// bit, whether the metadata were not written yet.
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

// generationOf reads the generation from custom metadata; 0 if there is none.
func generationOf(custom map[string]string) uint32 {
	generation, err := strconv.ParseUint(custom[customGeneration], 10, 32)
	if err != nil {
		return 0
	}
	return uint32(generation)
}
