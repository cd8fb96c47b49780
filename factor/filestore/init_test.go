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

// TestP6_DatabaseMissing: somebody removed the database, or its volume is not mounted, while the key is there, in the
// default place or a configured one. A new database would let everybody in with the password alone, and an attacker who
// knows a password could set up the factor. The control: the earlier database opens with the same options.
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
					t.Errorf("%v: want the path and the remedy", err)
				}
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a new database was made")
			}
			// This is what the error tells the operator to do.
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

// TestInit: Init makes a new database only if there is none.
func TestInit(t *testing.T) {
	path, versions := made(t)
	if err := Init(path, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("beside a database: %v, want ErrExists", err)
	}
	if err := os.Rename(path+".key", path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := Init(path, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("beside a database without its key: %v, want ErrExists", err)
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
		t.Errorf("over a damaged database: %v, want ErrExists", err)
	}
	// With a key that was made beforehand, and with neither key nor database.
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

// TestExisting: with Options.Existing, Open makes nothing if there is no database.
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

// TestKilledAtTheFirstStart: a first start that was killed at any of its steps never makes the store unusable: the next
// start works, or its error says what to do, and doing that helps.
func TestKilledAtTheFirstStart(t *testing.T) {
	for _, test := range []struct {
		name string
		// stop makes the files that a start leaves behind when it is killed at this step.
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
				t.Error("it is taken for a database with content")
			}
			store, err := Open(path, Options{})
			if !test.resume {
				if err == nil || !strings.Contains(err.Error(), "secrets init") {
					t.Fatalf("%v; want an error that says what to do", err)
				}
				if err := Init(path, Options{}); err != nil {
					t.Fatalf("doing what the error says: %v", err)
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

// bare makes the file that bbolt makes for a new database.
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
