package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

// TestRemove: a file with records stays; an empty one goes with its key.
func TestRemove(t *testing.T) {
	folder := t.TempDir()
	path, keyFile := filepath.Join(folder, "secrets.db"), filepath.Join(folder, "elsewhere")
	store, err := Open(path, Options{KeyFile: keyFile})
	if err != nil {
		t.Fatal(err)
	}
	key := factor.Key{App: "wiki", User: "alice"}
	version, err := store.Put(t.Context(), key, storetest.NewRecord("alice", 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Remove(store); !errors.Is(err, ErrNotEmpty) {
		t.Fatalf("Remove with a record in it: %v", err)
	}
	if err := store.Delete(t.Context(), key, version); err != nil {
		t.Fatal(err)
	}
	if err := Remove(store); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := Remove(store); !errors.Is(err, factor.ErrUnavailable) {
		t.Errorf("a second Remove: %v", err)
	}
}
