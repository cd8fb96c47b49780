package factor

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"
)

// RecoveryCodes is how many recovery codes a set has.
const RecoveryCodes = 10

// DefaultIterations is the work factor of recovery codes. A code has 80 random bits, which no amount of hashing has to
// make up for; the number is a margin, and keeps one attempt at a few milliseconds.
const DefaultIterations = 20_000

// Bounds of a recovery set in a record. The upper ones keep a forged record from costing minutes of work.
const (
	minIterations = 1_000
	maxIterations = 5_000_000
	minSalt       = 16
	maxSalt       = 64
	maxRecovery   = 100
)

const (
	recoveryBytes  = 10 // 80 bits (NIST SP 800-63B-4, 3.1.2 asks for 64 at least)
	recoveryLength = 16 // characters
	recoveryGroup  = 4
)

// recoveryAlphabet leaves out i, l, o and u: what looks alike, and what spells words.
const recoveryAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var recoveryEncoding = base32.NewEncoding(recoveryAlphabet).WithPadding(base32.NoPadding)

// newRecoverySet makes a set and the codes as they are shown, once.
func newRecoverySet(random io.Reader, iterations int, now time.Time) (*RecoverySet, []string, error) {
	set := &RecoverySet{
		Salt: make([]byte, minSalt), Iterations: iterations, Total: RecoveryCodes, Created: now,
		Hashes: make([][]byte, 0, RecoveryCodes),
	}
	if _, err := io.ReadFull(random, set.Salt); err != nil {
		return nil, nil, fmt.Errorf("factor: reading random bytes: %w", err)
	}
	codes := make([]string, 0, RecoveryCodes)
	var raw [recoveryBytes]byte
	for range RecoveryCodes {
		if _, err := io.ReadFull(random, raw[:]); err != nil {
			return nil, nil, fmt.Errorf("factor: reading random bytes: %w", err)
		}
		code := recoveryEncoding.EncodeToString(raw[:])
		sum, err := set.hash(code)
		if err != nil {
			return nil, nil, err
		}
		set.Hashes = append(set.Hashes, sum)
		codes = append(codes, formatRecovery(code))
	}
	return set, codes, nil
}

// formatRecovery puts dashes between groups of four.
func formatRecovery(code string) string {
	var out strings.Builder
	for i := 0; i < len(code); i += recoveryGroup {
		if i > 0 {
			out.WriteByte('-')
		}
		out.WriteString(code[i:min(i+recoveryGroup, len(code))])
	}
	return out.String()
}

// parseRecovery turns what was typed into the spelling that is hashed: separators away, lower case, and the letters
// that the alphabet leaves out read as the digits that they look like.
func parseRecovery(typed string) (string, bool) {
	code := []byte(stripSeparators(typed))
	if len(code) != recoveryLength {
		return "", false
	}
	for i, c := range code {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch c {
		case 'o':
			c = '0'
		case 'i', 'l':
			c = '1'
		}
		if strings.IndexByte(recoveryAlphabet, c) < 0 {
			return "", false
		}
		code[i] = c
	}
	return string(code), true
}

// hash computes the one slow hash of an attempt: the whole set shares a salt, so that ten codes cost no more than one.
func (s *RecoverySet) hash(code string) ([]byte, error) {
	sum, err := pbkdf2.Key(sha256.New, code, s.Salt, s.Iterations, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("%w: the recovery code cannot be hashed", ErrCorrupt)
	}
	return sum, nil
}

// find looks the hash up among the unused ones, in a time that does not tell where it stands; -1 when it is not there.
func (s *RecoverySet) find(sum []byte) int {
	at := -1
	for i, unused := range s.Hashes {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(unused, sum), i, at)
	}
	return at
}
