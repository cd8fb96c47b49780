package session

import (
	"crypto/sha256"
	"encoding/base64"
)

// tokenLength is the length of the tokens that scs makes: 32 random bytes in base64url without padding.
const tokenLength = 43

// tokenBytes are the characters of base64url. A table, because every request passes here.
var tokenBytes = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		table[c] = true
	}
	return table
}()

// wellFormed reports whether a token could have come from scs. Others are not worth asking the store about, and need
// not be hashed, locked or logged.
func wellFormed(token string) bool {
	if len(token) != tokenLength {
		return false
	}
	for i := range len(token) {
		if !tokenBytes[token[i]] {
			return false
		}
	}
	return true
}

// storeKey is the name under which scs stores a well-formed token when HashTokenInStore is set: whoever reads the store
// learns no token. Written anew because scs keeps it to itself, and because this one allocates only its result; a test
// holds the two together.
func storeKey(token string) string {
	var plain [tokenLength]byte
	copy(plain[:], token)
	sum := sha256.Sum256(plain[:])
	var key [tokenLength]byte
	base64.RawURLEncoding.Encode(key[:], sum[:])
	return string(key[:])
}
