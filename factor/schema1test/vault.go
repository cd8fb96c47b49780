package schema1test

import "encoding/json"

// VaultDocument is the document that the previous version kept in Vault for a key.
type VaultDocument struct {
	Schema     int             `json:"schema"`
	App        string          `json:"app"`
	User       string          `json:"user"`
	Generation uint32          `json:"generation"`
	Write      string          `json:"write"`
	Disabled   bool            `json:"disabled,omitempty"`
	Purge      bool            `json:"purge,omitempty"`
	SealedSeed string          `json:"sealed_seed,omitempty"`
	Record     json.RawMessage `json:"record,omitempty"`
}

// NewVaultDocument puts a record into a document. With a sealed seed it leaves out the record's own.
func NewVaultDocument(app string, record Record, generation uint32, sealed string) (VaultDocument, error) {
	content, err := Encode(record)
	if err != nil {
		return VaultDocument{}, err
	}
	if sealed != "" {
		bare := *record.TOTP
		bare.Secret, record.TOTP = nil, &bare
		if content, err = json.Marshal(record); err != nil {
			return VaultDocument{}, err
		}
	}
	return VaultDocument{
		Schema: 1, App: app, User: record.User, Generation: generation, SealedSeed: sealed, Record: content,
	}, nil
}

// DecodeVaultDocument reads a document of a user strictly.
func DecodeVaultDocument(app, user string, content []byte) (VaultDocument, error) {
	var d *VaultDocument
	if err := decodeStrictly(content, &d); err != nil || d == nil {
		return VaultDocument{}, corrupt("it is not a document of this gateway")
	}
	switch {
	case d.Schema != 1:
		return VaultDocument{}, corrupt("unknown schema of the document")
	case d.App != app || d.User != user:
		return VaultDocument{}, corrupt("the document is another user's")
	case d.Generation == 0:
		return VaultDocument{}, corrupt("the document has no generation")
	case d.Disabled && (d.Record != nil || d.SealedSeed != ""):
		return VaultDocument{}, corrupt("a disabled document with a record in it")
	case !d.Disabled && d.Record == nil:
		return VaultDocument{}, corrupt("no record in the document")
	}
	return *d, nil
}

// Open returns the record; seed opens the sealed seed.
func (d VaultDocument) Open(seed func(sealed string) ([]byte, error)) (Record, error) {
	if d.SealedSeed == "" {
		record, err := Decode(d.Record)
		if err == nil && record.User != d.User {
			return Record{}, corrupt("the record is another user's")
		}
		return record, err
	}
	var record *Record
	if err := decodeStrictly(d.Record, &record); err != nil || record == nil {
		return Record{}, corrupt("it is not the expected JSON document")
	}
	if record.TOTP == nil || len(record.TOTP.Secret) != 0 || record.User != d.User {
		return Record{}, corrupt("the record does not fit its sealed seed")
	}
	opened, err := seed(d.SealedSeed)
	if err != nil {
		return Record{}, err
	}
	record.TOTP.Secret = opened
	return *record, record.Validate()
}
