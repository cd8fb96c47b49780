package filestore

import (
	"bytes"
	"testing"

	"sallyport.example/sallyport/factor"
)

// TestSealIsBound: a sealed record opens for its owner, app and version only, and with its key only.
func TestSealIsBound(t *testing.T) {
	s, err := newSealer(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSealer(bytes.Repeat([]byte{2}, 32))
	if err != nil {
		t.Fatal(err)
	}
	key := factor.Key{App: "wiki", User: "alice"}
	value, err := s.sealRecord(key, 7, []byte("document"))
	if err != nil {
		t.Fatal(err)
	}
	if _, document, ok := s.openRecord(s.name(key), value); !ok || string(document) != "document" || versionOf(value) != 7 {
		t.Fatal("it does not open")
	}
	if _, _, ok := other.openRecord(s.name(key), value); ok {
		t.Error("opened with another key")
	}
	for _, wrong := range []factor.Key{{App: "wiki", User: "bob"}, {App: "git", User: "alice"}, {App: "wikia", User: "lice"}, {App: "", User: "wikialice"}, {}} {
		if _, _, ok := s.openRecord(s.name(wrong), value); ok {
			t.Errorf("opened for %q of %q", wrong.User, wrong.App)
		}
		if s.name(wrong) == s.name(key) {
			t.Errorf("the same name for %q of %q", wrong.User, wrong.App)
		}
	}
	for at := range value {
		spoilt := bytes.Clone(value)
		spoilt[at] ^= 0x10
		if _, _, ok := s.openRecord(s.name(key), spoilt); ok {
			t.Errorf("opened with byte %d changed", at)
		}
		if _, _, ok := s.openRecord(s.name(key), value[:at]); ok {
			t.Errorf("opened with %d bytes", at)
		}
	}
}
