package seal

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzOpen: whatever is in the store, only a value that was sealed for the same token opens, and no input causes a
// panic.
func FuzzOpen(f *testing.F) {
	ring, err := NewRing(2, map[KeyID][]byte{1: bytes.Repeat([]byte{1}, KeySize), 2: bytes.Repeat([]byte{2}, KeySize)})
	if err != nil {
		f.Fatal(err)
	}
	const token = "the token of the session"
	// The nonce is the same in all processes that fuzz.
	sealed := append([]byte{format, 0, 0, 0, 2}, make([]byte, 24)...)
	sealed = ring.ciphers[2].Seal(sealed, sealed[headSize:], []byte("the value of the session"), association(sealed[:headSize], token))
	if value, err := ring.open(token, sealed); err != nil || string(value) != "the value of the session" {
		f.Fatal(err)
	}
	f.Add(sealed, token)
	f.Add(sealed, token+"x")
	f.Add(sealed[:Overhead], token)
	f.Add(sealed[:Overhead-1], token)
	f.Add(append(bytes.Clone(sealed), 0), token)
	f.Add([]byte{format, 0, 0, 0, 1}, token)
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, stored []byte, under string) {
		value, err := ring.open(under, stored)
		if err != nil {
			if value != nil || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnknownKey) {
				t.Fatalf("%q, %v", value, err)
			}
			if errors.Is(err, ErrUnknownKey) && ring.Has(keyOf(stored)) {
				t.Fatal("a key in the ring is unknown")
			}
		} else if under != token || !bytes.Equal(stored, sealed) {
			t.Fatalf("%x opens under %q", stored, under)
		}
		again, err := ring.open(under, ring.seal(under, stored))
		if err != nil || !bytes.Equal(again, stored) {
			t.Fatalf("%x does not open after sealing: %v", stored, err)
		}
	})
}

// TestSealIsBound: a sealed value opens only with its own token, key number and format.
func TestSealIsBound(t *testing.T) {
	key := bytes.Repeat([]byte{1}, KeySize)
	ring, err := NewRing(1, map[KeyID][]byte{1: key, 2: key}) // the same key under another number
	if err != nil {
		t.Fatal(err)
	}
	sealed := ring.seal("token", []byte("value"))
	if len(sealed) != len("value")+Overhead {
		t.Errorf("%d bytes", len(sealed))
	}
	if value, err := ring.open("token", sealed); err != nil || string(value) != "value" {
		t.Fatal(err)
	}
	for _, token := range []string{"", "toke", "tokens", "Token"} {
		if _, err := ring.open(token, sealed); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", token, err)
		}
	}
	relabelled := bytes.Clone(sealed)
	relabelled[4] = 2
	if _, err := ring.open("token", relabelled); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another number: %v", err)
	}
	relabelled[4] = 3
	if _, err := ring.open("token", relabelled); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("under an unknown number: %v", err)
	}
}

func BenchmarkOpen(b *testing.B) {
	ring, err := NewRing(1, map[KeyID][]byte{1: make([]byte, KeySize)})
	if err != nil {
		b.Fatal(err)
	}
	sealed := ring.seal("a token of forty-three characters, as it is", make([]byte, 600))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.open("a token of forty-three characters, as it is", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
