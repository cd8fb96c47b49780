package recovery

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"

	"sallyport.example/sallyport/factor"
)

// Codes is how many recovery codes a set has.
const Codes = 10

// DefaultIterations is the work factor of recovery codes. A code has 80 random bits and needs no slow hash; the number
// is a margin, and keeps one attempt at a few milliseconds.
const DefaultIterations = 20_000

// Bounds of a set in a record. The upper ones keep a forged record from costing minutes of work.
const (
	minIterations = 1_000
	maxIterations = 5_000_000
	minSalt       = 16
	maxSalt       = 64
	maxCodes      = 100
)

// set is one set of recovery codes, hashed with PBKDF2-HMAC-SHA256. It is the state of a factor of this kind, and has
// the same fields as in schema 1 of records: a factor with more of them would be written in schema 2. The hashes need
// no sealing, because nobody guesses 80 random bits.
type set struct {
	// Salt is the salt of all codes of the set, at least 16 bytes; in JSON as base64.
	Salt []byte `json:"salt"`
	// Iterations is the work factor of PBKDF2.
	Iterations int `json:"iterations"`
	// Hashes are the hashes of the unused codes, 32 bytes each; in JSON as base64. The hash of a used code is removed.
	Hashes [][]byte `json:"hashes"`
	// Total is how many codes the set had when it was made.
	Total int `json:"total"`
}

// newSet makes a set and the codes as they are shown, once.
func newSet(random io.Reader, iterations int) (set, []string, error) {
	s := set{Salt: make([]byte, minSalt), Iterations: iterations, Total: Codes, Hashes: make([][]byte, 0, Codes)}
	if _, err := io.ReadFull(random, s.Salt); err != nil {
		return set{}, nil, fmt.Errorf("factor/recovery: reading random bytes: %w", err)
	}
	codes := make([]string, 0, Codes)
	var raw [codeBytes]byte
	for range Codes {
		if _, err := io.ReadFull(random, raw[:]); err != nil {
			return set{}, nil, fmt.Errorf("factor/recovery: reading random bytes: %w", err)
		}
		code := encoding.EncodeToString(raw[:])
		sum, err := s.hash(code)
		if err != nil {
			return set{}, nil, err
		}
		s.Hashes = append(s.Hashes, sum)
		codes = append(codes, format(code))
	}
	return s, codes, nil
}

// read returns a factor's set, or an error that says what is wrong with it.
func read(f factor.Factor) (set, error) {
	var s set
	if factor.DecodeStrictly(f.State, &s) != nil {
		return set{}, corrupt("bad state of recovery codes")
	}
	switch {
	case len(s.Salt) < minSalt || len(s.Salt) > maxSalt:
		return set{}, corrupt("bad length of the salt")
	case s.Iterations < minIterations || s.Iterations > maxIterations:
		return set{}, corrupt("bad number of iterations")
	case s.Total < 1 || s.Total > maxCodes || len(s.Hashes) > s.Total:
		return set{}, corrupt("bad number of recovery codes")
	}
	for _, hash := range s.Hashes {
		if len(hash) != sha256.Size {
			return set{}, corrupt("bad length of a recovery hash")
		}
	}
	return s, nil
}

// into puts the set into a factor.
func (s set) into(f factor.Factor) (factor.Factor, error) {
	content, err := json.Marshal(s)
	if err != nil {
		return factor.Factor{}, fmt.Errorf("factor/recovery: encoding the state: %w", err)
	}
	f.State = content
	return f, nil
}

// hash computes the slow hash of a code. All codes of a set share a salt, so that an attempt needs only one hash.
func (s set) hash(code string) ([]byte, error) {
	sum, err := pbkdf2.Key(sha256.New, code, s.Salt, s.Iterations, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("%w: the recovery code cannot be hashed", factor.ErrCorrupt)
	}
	return sum, nil
}

// find returns the index of the hash among the unused ones; -1 if it is not there. The time it takes does not depend on
// the index.
func (s set) find(sum []byte) int {
	at := -1
	for i, unused := range s.Hashes {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(unused, sum), i, at)
	}
	return at
}

func corrupt(why string) error { return fmt.Errorf("%w: %s", factor.ErrCorrupt, why) }
