package vaultstore

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

func newUnconnected(t *testing.T, settings Settings) *Store {
	t.Helper()
	store, err := New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// TestPlaces: whatever characters the names of users and apps have, each key has a place of its own below the path, and
// that place has only characters without a special meaning in a path or a policy.
func TestPlaces(t *testing.T) {
	store := newUnconnected(t, Settings{})
	seen := make(map[string]factor.Key)
	for _, app := range append(storetest.Names(), "wiki", "wiki.example.com", "session-key", checkFolder, "~", ".", "-", ".hidden") {
		for _, user := range storetest.Names() {
			key := factor.Key{App: app, User: user}
			place := store.place(key)
			parts := strings.Split(place, "/")
			if len(parts) != 3 || parts[0] != DefaultPath || len(parts[2]) != 64 || parts[1] == "" || parts[1] == checkFolder {
				t.Fatalf("%q of %q lies at %q", user, app, place)
			}
			if strings.ContainsFunc(place, func(r rune) bool {
				return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-~", r)
			}) || parts[1] == "." || parts[1] == ".." {
				t.Errorf("the place of %q of %q is %q", user, app, place)
			}
			if other, taken := seen[place]; taken && other != key {
				t.Errorf("%q of %q and %q of %q share %q", user, app, other.User, other.App, place)
			}
			seen[place] = key
		}
	}
	// An operator can compute it with sha256sum.
	if place := store.Place(factor.Key{App: "wiki", User: "alice"}); place !=
		"secret/sallyport/wiki/2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90" {
		t.Errorf("alice of wiki lies at %s", place)
	}
}

// TestReadable: names fit into custom metadata, which Vault limits to 512 printable bytes.
func TestReadable(t *testing.T) {
	for _, name := range storetest.Names() {
		text := readable(name)
		if text == "" || len(text) > 512 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q reads %q", name, text)
		}
	}
	if text := readable(strings.Repeat("👩", 300)); len(text) > 512 || len(text) < 400 {
		t.Errorf("a long name has %d bytes", len(text))
	}
	if text := readable("Ünal Öz"); text != "Ünal Öz" {
		t.Errorf("a plain name reads %q", text)
	}
}

// TestSettings: a setting that would reach other places than meant, or match more than one in a policy, is refused with
// an error that names it.
func TestSettings(t *testing.T) {
	for _, settings := range []Settings{
		{}, {Mount: "kv", Path: "a/b/c"}, {Mount: "/secret/", Path: "/sallyport/"}, {Transit: "transit/sallyport"}, {Transit: "a/b/key"},
	} {
		if _, err := New(settings); err != nil {
			t.Errorf("%+v: %v", settings, err)
		}
	}
	for name, settings := range map[string]Settings{
		"mount": {Mount: "secret/../sys"}, "mount:": {Mount: "*"}, "path": {Path: "a//b"}, "path:": {Path: "+"}, "path: ": {Path: "a b"}, "path:  ": {Path: "../x"},
		"transit": {Transit: "key"}, "transit:": {Transit: "transit/"}, "transit: ": {Transit: "transit/*"}, "timeout": {Timeout: -1},
	} {
		if _, err := New(settings); err == nil || !strings.HasPrefix(err.Error(), strings.Trim(name, ": ")) {
			t.Errorf("%+v: %v, want an error that names %s", settings, err, name)
		}
	}
}
