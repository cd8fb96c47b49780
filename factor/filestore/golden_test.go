package filestore

import (
	"bytes"
	"errors"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/schema1test"
	"sallyport.example/sallyport/factor/storetest"
)

// putDocument seals a document as it is, as the previous version did with what it had encoded.
func putDocument(t *testing.T, store *Store, key factor.Key, document []byte) {
	t.Helper()
	store.mutex.Lock()
	defer store.mutex.Unlock()
	next := store.summary
	next.last++
	value, err := store.sealer.sealRecord(key, next.last, document)
	if err != nil {
		t.Fatal(err)
	}
	n := store.sealer.name(key)
	err = store.write(n, next, func(records *bolt.Bucket, _ factor.Version, next *summary) error {
		next.count++
		return records.Put(n[:], value)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// document opens the document that is stored for a key.
func document(t *testing.T, store *Store, key factor.Key) []byte {
	t.Helper()
	n := store.sealer.name(key)
	store.mutex.Lock()
	defer store.mutex.Unlock()
	value, err := store.get(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	owner, plain, ok := store.sealer.openRecord(n, value)
	if !ok || owner != key {
		t.Fatal("it does not open")
	}
	return plain
}

// TestGoldenFile: records that the previous version sealed can be read, and a write without a change seals the same
// bytes, also when the file was closed in between. The previous version refuses a record that only schema 2 can hold,
// and accepts it again once it is back in schema 1.
func TestGoldenFile(t *testing.T) {
	path := place(t)
	if err := Init(path, Options{}); err != nil {
		t.Fatal(err)
	}
	store := mustOpen(t, path)
	for _, file := range schema1test.Golden(schema1test.Records) {
		old, err := schema1test.Decode(file.Content)
		if err != nil {
			t.Fatal(err)
		}
		putDocument(t, store, factor.Key{App: file.Name, User: old.User}, file.Content)
	}
	mustClose(t, store)
	store = mustOpen(t, path)
	for _, file := range schema1test.Golden(schema1test.Records) {
		old, err := schema1test.Decode(file.Content)
		if err != nil {
			t.Fatal(err)
		}
		key := factor.Key{App: file.Name, User: old.User}
		record, version, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if version, err = store.Put(t.Context(), key, record, version); err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if got := document(t, store, key); !bytes.Equal(got, file.Content) {
			t.Errorf("%s: not written byte for byte:\n%s\n%s", file.Name, got, file.Content)
		}
		if version, err = store.Put(t.Context(), key, storetest.NewMixed(old.User, 1), version); err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if _, err := schema1test.Decode(document(t, store, key)); !errors.Is(err, schema1test.ErrCorrupt) {
			t.Errorf("%s: the previous version accepts what it cannot hold: %v", file.Name, err)
		}
		if _, err = store.Put(t.Context(), key, record, version); err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if got := document(t, store, key); !bytes.Equal(got, file.Content) {
			t.Errorf("%s: afterwards not written byte for byte:\n%s\n%s", file.Name, got, file.Content)
		}
	}
}
