package factor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
)

// A trusted browser that runs scripts makes a key pair with WebCrypto, ECDSA on P-256 with SHA-256 (FIPS 186-5), whose
// private half no script can read. Only what was proved with it here decides; that the key stayed where it was made is
// the browser's word.
const (
	// deviceKeySize is the length of an uncompressed point (SEC 1 §2.3.3), which is what exportKey("raw") yields, in
	// bytes.
	deviceKeySize = 65
	// proofSize is the length of a signature: r and s, 32 bytes each (IEEE P1363), which is what sign() yields.
	proofSize = 64
)

// What a signature of a device's key is for. One that was made for one purpose is nothing for the other.
const (
	proofOfTrust  = "trust"
	proofOfSignIn = "sign in"
)

// errDeviceKey says that a browser offers a key that cannot be used. It quotes nothing.
var errDeviceKey = errors.New("factor: the browser's key is none, or it is not shown that the browser has it")

// Proof is what a browser shows to prove that it holds a device's key. The zero Proof proves nothing.
type Proof struct {
	// Signature is r and s in base64url without padding, as the browser sent it.
	Signature string
	// Host is the site's, with the port where there is one, as the browser calls it; Base is where the gateway's pages
	// are.
	Host, Base string
	// Nonce is a random text of the session that the proof is for, which no other session ever has.
	Nonce string
}

// NewDeviceKey reads the public key that a browser offers, in base64url without padding, and has the browser show that
// it holds the private one: a key that cannot sign would be a trust that is never of use. The error quotes nothing.
func NewDeviceKey(text string, proof Proof) (key []byte, err error) {
	if raw, ok := fixedBase64(text, deviceKeySize); ok && proof.holds(raw, proofOfTrust, "") {
		return raw, nil
	}
	return nil, errDeviceKey
}

// EncodeDeviceKey is the text of a public key, as NewDeviceKey reads it.
func EncodeDeviceKey(key []byte) string { return base64.RawURLEncoding.EncodeToString(key) }

// holds reports whether the proof is a signature by the private half of the key, for this purpose and device.
func (p Proof) holds(key []byte, purpose, device string) bool {
	signature, ok := fixedBase64(p.Signature, proofSize)
	if !ok || p.Nonce == "" {
		return false
	}
	public, err := parseDeviceKey(key)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(p.text(purpose, device))
	r, s := new(big.Int).SetBytes(signature[:proofSize/2]), new(big.Int).SetBytes(signature[proofSize/2:])
	return ecdsa.Verify(public, sum[:], r, s)
}

// text is what is signed; pages/proof.js makes the same. Neither a host nor an address holds a line break, nor do the
// nonce and the device's ID, so that no two statements have one text.
func (p Proof) text(purpose, device string) []byte {
	return []byte(strings.Join([]string{"sallyport trusted browser", purpose, p.Host, p.Base, p.Nonce, device}, "\n"))
}

// parseDeviceKey accepts a point of the curve and nothing else; the error is for nobody to read.
func parseDeviceKey(key []byte) (*ecdsa.PublicKey, error) {
	if len(key) != deviceKeySize {
		return nil, errDeviceKey
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key)
}

// fixedBase64 reads so many bytes, in their one spelling.
func fixedBase64(text string, size int) ([]byte, bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(size) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil && len(raw) == size
}
