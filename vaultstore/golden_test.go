package vaultstore

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/schema1test"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/vault"
)

// mixed is alice's record of several factors, which schema 1 cannot hold.
func mixed(seed byte) factor.Record { return storetest.NewMixed("alice", seed) }

// TestGoldenDocuments: documents that the previous version kept in Vault are read, and written again byte for byte.
func TestGoldenDocuments(t *testing.T) {
	for _, sort := range []string{schema1test.VaultPlain, schema1test.VaultSealed} {
		for _, file := range schema1test.Golden(sort) {
			want, err := factor.DecodeRecord(schema1test.One(schema1test.Records, file.Name))
			if err != nil {
				t.Fatal(err)
			}
			key := factor.Key{App: "wiki", User: want.User}
			d, err := decodeDocument(key, file.Content)
			if err != nil {
				t.Fatalf("%s %s: %v", sort, file.Name, err)
			}
			var sealed map[string]string
			record, err := d.record(func(texts map[string]string) (map[string][]byte, error) {
				id := want.Factors[0].ID
				if len(texts) != 1 || texts[id] != schema1test.SealedSeed {
					return nil, errors.New("another seed is to be opened")
				}
				sealed = texts
				return map[string][]byte{id: want.Factors[0].Secret}, nil
			})
			if err != nil || (sealed == nil) != (sort == schema1test.VaultPlain) {
				t.Fatalf("%s %s: %v", sort, file.Name, err)
			}
			again, err := newDocument(key, record, d.Generation, sealed)
			if err != nil {
				t.Fatal(err)
			}
			again.Write, again.Purge = d.Write, d.Purge
			if content := encoded(t, again); !bytes.Equal(content, file.Content) {
				t.Errorf("%s %s: not written byte for byte:\n%s\n%s", sort, file.Name, content, file.Content)
			}
		}
	}
}

var randomWrite = regexp.MustCompile(`"write":"[A-Z0-9]+"`)

// TestGoldenInVault: the same in a real Vault, which formats documents in its own way. After a read and a write without
// a change the document has the same bytes, except for the mark of the write and, if a key of transit was rotated, the
// seal.
func TestGoldenInVault(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	for _, transit := range []string{"", transitKey} {
		store := newStore(t, server, Settings{Path: newPath(), Transit: transit})
		for _, file := range schema1test.Golden(schema1test.Records) {
			record, err := schema1test.Decode(file.Content)
			if err != nil {
				t.Fatal(err)
			}
			if record.TOTP == nil && transit != "" {
				continue // nothing to seal
			}
			key := factor.Key{App: "wiki " + file.Name, User: record.User}
			old := before{t, newStore(t, server, Settings{Path: store.path, Transit: transit})}
			if err := old.write(key, record, 305419896, 0); err != nil {
				t.Fatal(err)
			}
			content := func() string {
				t.Helper()
				found, err := store.engine.read(t.Context(), store.place(key))
				if err != nil {
					t.Fatal(err)
				}
				return randomWrite.ReplaceAllString(string(found.content), `"write":"x"`)
			}
			want := content()
			got, version, err := store.Get(t.Context(), key)
			if err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
			if document, err := factor.EncodeRecord(got); err != nil || !bytes.Equal(document, file.Content) {
				t.Errorf("%s: another record came out (%v)", file.Name, err)
			}
			if _, err := store.Put(t.Context(), key, got, version); err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
			if again := content(); again != want {
				t.Errorf("%s, transit %q: not written byte for byte:\n%s\n%s", file.Name, transit, again, want)
			}
		}
	}
}
