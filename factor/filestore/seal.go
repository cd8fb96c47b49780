package filestore

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"sallyport.example/sallyport/factor"
)

// format is the version of everything that this package writes; it is part of what is authenticated.
const format = "1"

// name is the key of a record in the database. Without the key file it reveals nothing about app and user.
type name [sha256.Size]byte

// sealer holds what is derived from the key file.
type sealer struct {
	root  []byte
	aead  cipher.AEAD
	names []byte
	sums  []byte
}

func newSealer(root []byte) (*sealer, error) {
	records, err := derive(root, "own: records")
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(records)
	if err != nil {
		return nil, fmt.Errorf("filestore: preparing the cipher: %w", err)
	}
	s := &sealer{root: root, aead: aead}
	if s.names, err = derive(root, "own: names"); err != nil {
		return nil, err
	}
	if s.sums, err = derive(root, "own: sums"); err != nil {
		return nil, err
	}
	return s, nil
}

// derive makes a key for one purpose. The purposes of this package differ from those of DeriveKey.
func derive(root []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, root, nil, "sallyport filestore "+purpose, keySize)
	if err != nil {
		return nil, fmt.Errorf("filestore: deriving a key: %w", err)
	}
	return key, nil
}

// fields joins texts so that no two lists of texts give the same bytes.
func fields(texts ...string) []byte {
	var out []byte
	for _, text := range texts {
		out = binary.BigEndian.AppendUint64(out, uint64(len(text)))
		out = append(out, text...)
	}
	return out
}

// name computes a record's key in the database.
func (s *sealer) name(key factor.Key) (n name) {
	mac := hmac.New(sha256.New, s.names)
	mac.Write(fields(key.App, key.User))
	mac.Sum(n[:0])
	return n
}

// sum is what one record adds to the summary.
func (s *sealer) sum(n name, version factor.Version) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, s.sums)
	mac.Write(n[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(version)))
	mac.Sum(sum[:0])
	return sum
}

// seal encrypts with a fresh nonce, which it puts in front. 24 random bytes do not repeat.
func (s *sealer) seal(plain, associated []byte) ([]byte, error) {
	sealed := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	if _, err := rand.Read(sealed); err != nil {
		return nil, fmt.Errorf("filestore: reading random bytes: %w", err)
	}
	return s.aead.Seal(sealed, sealed, plain, associated), nil
}

// open decrypts what seal made, into memory of its own.
func (s *sealer) open(sealed, associated []byte) ([]byte, bool) {
	if len(sealed) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return nil, false
	}
	nonce, text := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	plain, err := s.aead.Open(nil, nonce, text, associated)
	return plain, err == nil
}

// recordAssociation binds a sealed record to its name, and so to its owner, and to its version.
func recordAssociation(n name, version factor.Version) []byte {
	return append(fields("record", format, string(n[:])), binary.BigEndian.AppendUint64(nil, uint64(version))...)
}

// sealRecord makes the stored value of a record: the readable version, then, sealed, the names of app and user and the
// document.
func (s *sealer) sealRecord(key factor.Key, version factor.Version, document []byte) ([]byte, error) {
	plain := append(fields(key.App, key.User), document...)
	sealed, err := s.seal(plain, recordAssociation(s.name(key), version))
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(version)), sealed...), nil
}

// versionOf reads the version in front of a stored value; 0 when there is none.
func versionOf(value []byte) factor.Version {
	if len(value) < 8 {
		return 0
	}
	return factor.Version(binary.BigEndian.Uint64(value))
}

// openRecord is the reverse of sealRecord. value may be in the database's memory; the results are copies.
func (s *sealer) openRecord(n name, value []byte) (owner factor.Key, document []byte, ok bool) {
	version := versionOf(value)
	if version == 0 {
		return factor.Key{}, nil, false
	}
	plain, ok := s.open(value[8:], recordAssociation(n, version))
	if !ok {
		return factor.Key{}, nil, false
	}
	for _, text := range []*string{&owner.App, &owner.User} {
		if len(plain) < 8 || binary.BigEndian.Uint64(plain) > uint64(len(plain)-8) {
			return factor.Key{}, nil, false
		}
		end := 8 + int(binary.BigEndian.Uint64(plain))
		*text, plain = string(plain[8:end]), plain[end:]
	}
	return owner, plain, s.name(owner) == n
}
