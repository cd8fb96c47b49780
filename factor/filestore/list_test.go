package filestore

import (
	"path/filepath"
	"slices"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

// TestKeys: Keys returns the owner of every record, whatever characters the names have.
func TestKeys(t *testing.T) {
	store, err := Open(filepath.Join(t.TempDir(), "secrets.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if keys, err := store.Keys(t.Context()); err != nil || len(keys) != 0 {
		t.Fatalf("an empty store lists %v, %v", keys, err)
	}
	want := make(map[factor.Key]bool)
	for i, user := range storetest.Names() {
		key := factor.Key{App: []string{"wiki", "", "a/b"}[i%3], User: user}
		version, err := store.Put(t.Context(), key, storetest.NewRecord(user, byte(i)), 0)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := store.Delete(t.Context(), key, version); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want[key] = true
	}
	keys, err := store.Keys(t.Context())
	if err != nil || len(keys) != len(want) || slices.ContainsFunc(keys, func(key factor.Key) bool { return !want[key] }) {
		t.Errorf("lists %d records, %v; want %d", len(keys), err, len(want))
	}
}
