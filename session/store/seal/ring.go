package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the size of a key in bytes.
const KeySize = 32

// KeyID is the number of a key; 0 is none. A number is never used for another key.
type KeyID uint32

// ErrRing says that keys do not make a ring: one has another size than KeySize or the number 0, or the current one is
// missing.
var ErrRing = errors.New("not a ring of keys")

// Ring is a set of keys, one of which is the current one. It is immutable and safe for concurrent use. Printing it
// shows no key.
type Ring struct {
	current KeyID
	ciphers map[KeyID]cipher.AEAD
	// index and purposes are derived keys, for the names of accounts and for session.Keyring.
	index, purposes map[KeyID][]byte
}

// NewRing makes a ring. The keys may have any source as long as they are random. Each use, such as sealing, has a key
// of its own derived from them. They are not kept.
func NewRing(current KeyID, keys map[KeyID][]byte) (*Ring, error) {
	ring := &Ring{
		current: current, ciphers: make(map[KeyID]cipher.AEAD, len(keys)),
		index: make(map[KeyID][]byte, len(keys)), purposes: make(map[KeyID][]byte, len(keys)),
	}
	for id, key := range keys {
		if id == 0 {
			return nil, fmt.Errorf("%w: a key has the number 0", ErrRing)
		}
		if len(key) != KeySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes instead of %d", ErrRing, id, len(key), KeySize)
		}
		var derived []byte
		for _, one := range []struct {
			purpose string
			to      func([]byte)
		}{
			{"sallyport sessions at rest", func(key []byte) { derived = key }},
			{"sallyport accounts in an index of sessions", func(key []byte) { ring.index[id] = key }},
			{"sallyport what browsers carry", func(key []byte) { ring.purposes[id] = key }},
		} {
			made, err := hkdf.Key(sha256.New, key, nil, one.purpose, chacha20poly1305.KeySize)
			if err != nil {
				return nil, fmt.Errorf("deriving a key: %w", err)
			}
			one.to(made)
		}
		var err error
		if ring.ciphers[id], err = chacha20poly1305.NewX(derived); err != nil {
			return nil, fmt.Errorf("preparing a key: %w", err)
		}
	}
	if ring.ciphers[current] == nil {
		return nil, fmt.Errorf("%w: the current key %d is not in it", ErrRing, current)
	}
	return ring, nil
}

// Current returns the number of the key that seals.
func (r *Ring) Current() KeyID { return r.current }

// Has reports whether the ring has a key.
func (r *Ring) Has(id KeyID) bool { return r.ciphers[id] != nil }

// String returns the current key's number and the number of keys.
func (r *Ring) String() string {
	return "ring(current=" + strconv.FormatUint(uint64(r.current), 10) + " keys=" + strconv.Itoa(len(r.ciphers)) + ")"
}

// GoString is String, so that %#v shows no key either.
func (r *Ring) GoString() string { return r.String() }

// LogValue is String for log/slog.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalJSON is String in quotes.
func (r *Ring) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, r.String()), nil }
