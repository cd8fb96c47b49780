package filestore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

// TestP6_DatabaseMissing: somebody removed the database, or its volume is not mounted, while the key is there: beside
// it, as by default, or wherever it was said to be. A new database would let everybody in with the password alone,
// and have a stranger who knows one set up the factor. The control: what was there before opens with the same words.
func TestP6_DatabaseMissing(t *testing.T) {
	for name, keyFile := range map[string]func(path string) string{
		"key beside it":         func(string) string { return "" },
		"that place, by name":   func(path string) string { return path + ".key" },
		"key on another volume": func(string) string { return filepath.Join(t.TempDir(), "keys", "secrets.key") },
	} {
		t.Run(name, func(t *testing.T) {
			path := place(t)
			options := Options{KeyFile: keyFile(path)}
			store, err := Open(path, options)
			if err != nil || !store.Made() {
				t.Fatalf("the first start: %v", err)
			}
			if _, err := store.Put(t.Context(), keyOf("alice"), storetest.NewRecord("alice", 1), 0); err != nil {
				t.Fatal(err)
			}
			mustClose(t, store)
			if store, err = Open(path, options); err != nil || store.Made() {
				t.Fatalf("the control: %v", err)
			}
			mustClose(t, store)
			lost := path
			if name == "key on another volume" {
				lost = filepath.Dir(path)
			}
			if err := os.Rename(lost, lost+".away"); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := Open(path, options); !errors.Is(err, ErrDatabaseMissing) || !errors.Is(err, factor.ErrCorrupt) {
					t.Errorf("%v, want ErrDatabaseMissing", err)
				} else if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "secrets init") {
					t.Errorf("%v: want the path, and what to do", err)
				}
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a new one was made")
			}
			// As the message says.
			if err := Init(path, options); err != nil {
				t.Fatal(err)
			}
			if store, err = Open(path, options); err != nil {
				t.Fatal(err)
			}
			if keys, err := store.Keys(t.Context()); err != nil || len(keys) != 0 {
				t.Errorf("anew: %v, %v", keys, err)
			}
			mustClose(t, store)
		})
	}
}

// TestInit begins anew where nothing was kept, and nowhere else.
func TestInit(t *testing.T) {
	path, versions := made(t)
	if err := Init(path, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("beside what is kept: %v, want ErrExists", err)
	}
	if err := os.Rename(path+".key", path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := Init(path, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("beside what is kept, without its key: %v, want ErrExists", err)
	}
	if err := os.Rename(path+".away", path+".key"); err != nil {
		t.Fatal(err)
	}
	store := mustOpen(t, path)
	wantPeople(t, store, versions)
	if err := Init(path, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("while it is open: %v, want ErrInUse", err)
	}
	mustClose(t, store)
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Init(path, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("over what is damaged: %v, want ErrExists", err)
	}
	// With a key that was made beforehand, and with neither.
	for _, key := range []string{strings.Repeat("c0ffee11", 8), ""} {
		path, keyFile := filepath.Join(t.TempDir(), "new", "secrets.db"), filepath.Join(t.TempDir(), "key")
		if key != "" {
			if err := os.WriteFile(keyFile, []byte(key), 0o400); err != nil {
				t.Fatal(err)
			}
		}
		if err := Init(path, Options{KeyFile: keyFile}); err != nil {
			t.Fatal(err)
		}
		store, err := Open(path, Options{KeyFile: keyFile, Existing: true})
		if err != nil || store.Made() {
			t.Fatalf("%v", err)
		}
		mustClose(t, store)
		if content, err := os.ReadFile(keyFile); err != nil || key != "" && string(content) != key {
			t.Errorf("the key was replaced (%v)", err)
		}
	}
}

// TestExisting: whoever wants to read what is kept makes nothing where there is nothing.
func TestExisting(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "folder")
	path := filepath.Join(folder, "secrets.db")
	if _, err := Open(path, Options{Existing: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want fs.ErrNotExist", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
}

// TestKilledAtTheFirstStart: a first start that was killed, at whichever of its steps, locks nobody out for ever: the
// next one goes on, or says what to do, and that helps.
func TestKilledAtTheFirstStart(t *testing.T) {
	for _, test := range []struct {
		name string
		// stop leaves what a start leaves that is killed there.
		stop   func(t *testing.T, path string)
		resume bool
	}{
		{"with the folder made", func(*testing.T, string) {}, true},
		{"with an empty file made", func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"with bbolt's file made", bare, true},
		{"with half a key made", func(t *testing.T, path string) {
			bare(t, path)
			if err := os.WriteFile(path+".key.new", []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"with the key made", func(t *testing.T, path string) {
			bare(t, path)
			if err := os.WriteFile(path+".key", []byte(strings.Repeat("c0ffee11", 8)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"with the key on the disk alone, after a power cut", func(t *testing.T, path string) {
			if err := os.WriteFile(path+".key", []byte(strings.Repeat("c0ffee11", 8)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secrets.db")
			test.stop(t, path)
			if _, err := Open(path, Options{Existing: true}); err == nil {
				t.Error("it is taken for one that something is kept in")
			}
			store, err := Open(path, Options{})
			if !test.resume {
				if err == nil || !strings.Contains(err.Error(), "secrets init") {
					t.Fatalf("%v; want what to do", err)
				}
				if err := Init(path, Options{}); err != nil {
					t.Fatalf("what was said to do: %v", err)
				}
				store, err = Open(path, Options{})
			}
			if err != nil {
				t.Fatal(err)
			}
			mustClose(t, store)
		})
	}
}

// bare makes what bbolt makes of a new file.
func bare(t *testing.T, path string) {
	t.Helper()
	database, err := openBolt(path, DefaultLockTimeout, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Close(); err != nil {
		t.Fatal(err)
	}
}
