package seal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// A sealed value: format, number of the key, nonce, ciphertext with its tag.
const (
	format   = 0xe1
	headSize = 1 + 4
	// Overhead is the length of a sealed value minus that of its content, in bytes.
	Overhead = headSize + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// Errors that say why a stored value is not a session, for Options.Unreadable.
var (
	// ErrUnknownKey: the value names a key that is not in the ring.
	ErrUnknownKey = errors.New("sealed with a key that is not in the ring")
	// ErrDamaged: the value is not what was sealed under this token.
	ErrDamaged = errors.New("sealed value does not open")
)

// association returns what is authenticated with a value.
func association(head []byte, token string) []byte {
	const purpose = "sallyport session\x00"
	bound := make([]byte, 0, len(purpose)+headSize+len(token))
	return append(append(append(bound, purpose...), head...), token...)
}

// seal encrypts a value for its token with the ring's current key.
func (r *Ring) seal(token string, value []byte) []byte {
	sealed := make([]byte, headSize+chacha20poly1305.NonceSizeX, len(value)+Overhead)
	sealed[0] = format
	binary.BigEndian.PutUint32(sealed[1:], uint32(r.current))
	_, _ = rand.Read(sealed[headSize:]) // it never fails
	return r.ciphers[r.current].Seal(sealed, sealed[headSize:], value, association(sealed[:headSize], token))
}

// keyOf returns the number of the key that a value names, 0 if it is not a sealed value.
func keyOf(sealed []byte) KeyID {
	if len(sealed) < Overhead || sealed[0] != format {
		return 0
	}
	return KeyID(binary.BigEndian.Uint32(sealed[1:]))
}

// open is the reverse of seal, into newly allocated memory.
func (r *Ring) open(token string, sealed []byte) ([]byte, error) {
	id := keyOf(sealed)
	if id == 0 {
		return nil, ErrDamaged
	}
	key := r.ciphers[id]
	if key == nil {
		return nil, ErrUnknownKey
	}
	head, nonce, text := sealed[:headSize], sealed[headSize:headSize+chacha20poly1305.NonceSizeX], sealed[headSize+chacha20poly1305.NonceSizeX:]
	value, err := key.Open(make([]byte, 0, len(text)), nonce, text, association(head, token))
	if err != nil {
		return nil, ErrDamaged
	}
	return value, nil
}
