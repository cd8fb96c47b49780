package filestore

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"sallyport.example/sallyport/factor"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestFilesAreClosedToOthers(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(directory, "secrets.db")
	keyFile := filepath.Join(directory, "keys", "secrets.key")
	store, err := Open(path, Options{KeyFile: keyFile})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, store)
	for _, made := range []string{filepath.Dir(directory), directory, filepath.Dir(keyFile)} {
		if got := mode(t, made); got != 0o700 {
			t.Errorf("%s has mode %04o", made, got)
		}
	}
	for _, made := range []string{path, keyFile} {
		if got := mode(t, made); got != 0o600 {
			t.Errorf("%s has mode %04o", made, got)
		}
	}
	left, err := filepath.Glob(filepath.Join(directory, "keys", "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	store, err = Open(path, Options{KeyFile: keyFile})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, store)
	if got := mode(t, path); got != 0o600 {
		t.Errorf("a database open to others stays so: %04o", got)
	}
}

func TestKeyFileReadableByOthers(t *testing.T) {
	path, versions := made(t)
	for _, open := range []fs.FileMode{0o640, 0o604, 0o644, 0o666, 0o610, 0o602} {
		if err := os.Chmod(path+".key", open); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, ErrPermissions) {
			t.Errorf("%04o: %v, want ErrPermissions", open, err)
		}
	}
	for _, closed := range []fs.FileMode{0o400, 0o600} {
		if err := os.Chmod(path+".key", closed); err != nil {
			t.Fatal(err)
		}
		store := mustOpen(t, path)
		wantPeople(t, store, versions)
		mustClose(t, store)
	}
}

// TestP6_NoKeyIsNoNewDatabase: a missing or wrong key must not lead to an empty database, in which nobody is enrolled.
func TestP6_NoKeyIsNoNewDatabase(t *testing.T) {
	path, versions := made(t)
	key, err := os.ReadFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		content string
		want    error
	}{
		"another key": {strings.Repeat("ab", 32), ErrWrongKey},
		"zeros":       {strings.Repeat("00", 32), ErrWrongKey},
		"empty":       {"", ErrKeyMalformed},
		"too short":   {string(key[:62]), ErrKeyMalformed},
		"too long":    {string(key[:64]) + "00", ErrKeyMalformed},
		"text":        {"correct horse battery staple", ErrKeyMalformed},
		"raw bytes":   {strings.Repeat("\x80", 32), ErrKeyMalformed},
		"huge":        {strings.Repeat("ab", 10_000), ErrKeyMalformed},
	} {
		if err := os.WriteFile(path+".key", []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		} else if errors.Is(test.want, ErrWrongKey) && !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: %v is not ErrCorrupt", name, err)
		} else if test.content != "" && strings.Contains(err.Error(), test.content) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
	if err := os.Remove(path + ".key"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrKeyMissing) {
		t.Errorf("%v, want ErrKeyMissing", err)
	}
	if _, err := os.Stat(path + ".key"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was made: %v", err)
	}
	if err := os.Mkdir(path+".key", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrKeyMalformed) {
		t.Errorf("a directory: %v, want ErrKeyMalformed", err)
	}
	if err := os.Remove(path + ".key"); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database was touched (%v)", err)
	}

	// A link to the key is accepted, and so is the key in each encoding.
	raw, err := hex.DecodeString(strings.TrimSpace(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(elsewhere, []byte(base64.StdEncoding.EncodeToString(raw)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, path+".key"); err != nil {
		t.Fatal(err)
	}
	wantPeople(t, mustOpen(t, path), versions)
}

func TestCreateKeyReplacesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("present"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := createKey(path, bytes.NewReader(make([]byte, 64))); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, want fs.ErrExist", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "present" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := createKey(path+"2", iotest.ErrReader(errors.New("no entropy"))); err == nil {
		t.Error("a key without random bytes")
	}
	// What a killed start left behind does no harm.
	if err := os.WriteFile(path+"3.new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := createKey(path+"3", bytes.NewReader(bytes.Repeat([]byte{5}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := readKey(path + "3"); err != nil || !bytes.Equal(again, key) {
		t.Errorf("it cannot be read back: %v", err)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{
		"", strings.Repeat("ab", 32), strings.Repeat("AB", 32) + "\r\n", base64.StdEncoding.EncodeToString(make([]byte, 32)),
		base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, 32)), strings.Repeat("A", 43), strings.Repeat("=", 44), "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, ok := parseKey(text)
		if ok != (len(key) == keySize) {
			t.Fatalf("%v with %d bytes", ok, len(key))
		}
		if !ok {
			return
		}
		for _, same := range []string{hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key)} {
			if again, ok := parseKey(same); !ok || !bytes.Equal(again, key) {
				t.Fatal("another encoding of the key gives another key")
			}
		}
	})
}
