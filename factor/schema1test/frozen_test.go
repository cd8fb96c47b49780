package schema1test_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"sallyport.example/sallyport/factor/schema1test"
)

// TestFrozen: the frozen code reads what the previous version wrote, and writes the same bytes.
func TestFrozen(t *testing.T) {
	for _, file := range schema1test.Golden(schema1test.Records) {
		record, err := schema1test.Decode(file.Content)
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if again, err := schema1test.Encode(record); err != nil || !bytes.Equal(again, file.Content) {
			t.Errorf("%s: not written byte for byte (%v)", file.Name, err)
		}
	}
	for sort, sealed := range map[string]string{schema1test.VaultPlain: "", schema1test.VaultSealed: schema1test.SealedSeed} {
		for _, file := range schema1test.Golden(sort) {
			record, err := schema1test.Decode(schema1test.One(schema1test.Records, file.Name))
			if err != nil {
				t.Fatal(err)
			}
			d, err := schema1test.DecodeVaultDocument("wiki", record.User, file.Content)
			if err != nil {
				t.Fatalf("%s %s: %v", sort, file.Name, err)
			}
			opened, err := d.Open(func(text string) ([]byte, error) {
				if text != sealed {
					t.Errorf("%s: opens %q", file.Name, text)
				}
				return record.TOTP.Secret, nil
			})
			if err != nil {
				t.Fatalf("%s %s: %v", sort, file.Name, err)
			}
			again, err := schema1test.NewVaultDocument("wiki", opened, d.Generation, sealed)
			if err != nil {
				t.Fatal(err)
			}
			again.Write, again.Purge = d.Write, d.Purge
			if content, err := json.Marshal(again); err != nil || !bytes.Equal(content, file.Content) {
				t.Errorf("%s %s: not written byte for byte (%v)", sort, file.Name, err)
			}
		}
	}
}

// TestFrozenRefuses: the frozen code is as strict as the previous version was; otherwise tests with it would prove
// nothing.
func TestFrozenRefuses(t *testing.T) {
	good := schema1test.One(schema1test.Records, "fresh")
	for name, document := range map[string][]byte{
		"schema 2":      bytes.Replace(good, []byte(`"schema":1`), []byte(`"schema":2`), 1),
		"a list":        bytes.Replace(good, []byte(`"schema":1`), []byte(`"schema":1,"factors":[]`), 1),
		"a name":        bytes.Replace(good, []byte(`"digits"`), []byte(`"name":"x","digits"`), 1),
		"an event":      bytes.Replace(good, []byte(`"kind":"enabled"`), []byte(`"kind":"added"`), 1),
		"another digit": bytes.Replace(good, []byte(`"digits":6`), []byte(`"digits":9`), 1),
		"trailing":      append(bytes.Clone(good), good...),
		"no factor":     []byte(`{"schema":1,"user":"alice"}`),
	} {
		if bytes.Equal(document, good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := schema1test.Decode(document); !errors.Is(err, schema1test.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
