package factor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/age"
)

// MaxDevices is how many trusted browsers a user may have; a further one replaces the least recently used one.
const MaxDevices = 8

// overlap is how long the previous secret is not a sign of theft: two windows that sign in at the same moment send the
// same one.
const overlap = time.Minute

// maxCredential is the longest credential that is examined, in bytes: an ID, a dot and a secret, and some more.
const maxCredential = 128

// ErrNotTrusted says that a browser is not trusted, or not any more.
var ErrNotTrusted = errors.New("factor: the browser is not trusted")

// ErrMisused is an ErrNotTrusted that ended the trust: somebody may have a copy of the browser's credential.
var ErrMisused = fmt.Errorf("%w any more", ErrNotTrusted)

// Device is a browser in which a code was typed, and that may sign in without one for a while. The browser has a
// secret, and the record its hash. Each use replaces the secret. If the browser also has a key, a copy of the secret is
// useless; if it has none, a copy works at most once, and its second use ends the trust.
type Device struct {
	// ID is random and names the browser in lists; it proves nothing.
	ID string `json:"id"`
	// Hash is of the current secret, Previous of the one before it; in JSON as base64.
	Hash     []byte `json:"hash"`
	Previous []byte `json:"previous,omitempty"`
	// Key is the public key of a browser that made one, an uncompressed point of P-256; in JSON as base64. Without a
	// key the secret alone is enough; with a key it never is.
	Key []byte `json:"key,omitempty"`
	// Browser is the kind of browser, for display. A copy in another kind of browser is useless.
	Browser string `json:"browser,omitempty"`
	// Created is when it was trusted; the trust lasts Config.Remember from then on. Used is when it last signed in.
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
}

func (d Device) validate() error {
	switch {
	case d.ID == "" || len(d.ID) > maxID || !utf8.ValidString(d.ID):
		return corrupt("bad id of a trusted browser")
	case len(d.Hash) != sha256.Size || d.Previous != nil && len(d.Previous) != sha256.Size:
		return corrupt("bad length of a trusted browser's hash")
	case len(d.Browser) > maxOrigin || !utf8.ValidString(d.Browser):
		return corrupt("bad name of a trusted browser")
	case !storable(d.Created) || !storable(d.Used):
		return corrupt("impossible time")
	}
	if d.Key != nil {
		if _, err := parseDeviceKey(d.Key); err != nil {
			return corrupt("bad key of a trusted browser")
		}
	}
	return nil
}

// DeviceID returns the ID of the trusted browser that a credential belongs to. It proves nothing.
func DeviceID(credential string) string {
	id, _, _ := strings.Cut(credential, ".")
	return id
}

// DeviceStatus is what may be shown of a trusted browser.
type DeviceStatus struct {
	// ID names it to ForgetDevice.
	ID string
	// Browser is the kind of browser; empty if unknown.
	Browser string
	// Key is the public key that it must prove itself with; nil if it has none.
	Key []byte
	// Created is when it was trusted, Used when it last signed in, Until when the trust ends.
	Created, Used, Until time.Time
}

// Trust describes a browser that is to be trusted.
type Trust struct {
	// Key is what NewDeviceKey made from the browser's key; nil for a browser that has none.
	Key []byte
	// Instead are credentials that this browser already has. Their trust ends: if it remained, a copy of everything the
	// browser has could sign in without the key after all.
	Instead []string
}

// SignInAndTrust is SignIn, and also trusts the browser in the same write, so that a reset that comes in between finds
// the trust and ends it. credential is the secret for the browser to keep; empty if Config.Remember is zero, or if the
// browser must have a key and has none.
func (s *Service) SignInAndTrust(ctx context.Context, user string, answer Answer, trust Trust) (credential string, err error) {
	if s.config.Remember <= 0 || !MayTrust(s, trust.Key) {
		_, err := s.SignIn(ctx, user, answer)
		return "", err
	}
	credential, add, err := trusting(ctx, s, user, trust)
	if err != nil {
		return "", err
	}
	if _, err = s.signIn(ctx, user, answer, add); err != nil {
		return "", err
	}
	return credential, nil
}

// replaces reports whether the browser already had the device's credential.
func (t Trust) replaces(device Device) bool {
	return slices.ContainsFunc(t.Instead, func(credential string) bool { return DeviceID(credential) == device.ID })
}

// UseDevice judges what a browser shows instead of a code: nil means that it is trusted, and next is the secret to keep
// instead. It never counts as an attempt, because nobody guesses 256 bits. Otherwise the error is ErrNotTrusted, or
// ErrMisused if this use ended the trust.
//
// A browser with a key must also prove that. Without a proof nothing is judged and nothing changes, because browsers
// sometimes lose what they store. An invalid proof together with the current secret is no accident, and ends the trust.
//
// If the secret is not the current one the browser is forgotten, because either this browser or the previous user of
// the secret has a copy. Only for a short while after a use its secret is tolerated, and even then it does not sign in.
func (s *Service) UseDevice(ctx context.Context, user, credential string, proof Proof) (next string, err error) {
	id, secret, ok := strings.Cut(credential, ".")
	if s.config.Remember <= 0 || !ok || len(credential) > maxCredential {
		return "", ErrNotTrusted
	}
	fresh, err := s.random(deviceSecretSize)
	if err != nil {
		return "", err
	}
	browser := originOf(ctx).Browser
	err = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotTrusted
		}
		now := s.config.Now()
		if s.throttled(record, now) != nil {
			// Somebody has the password and is guessing. A code is required, and judged when the wait is over.
			return verdict{}, ErrNotTrusted
		}
		record.Devices = s.trusted(record, now)
		at := slices.IndexFunc(record.Devices, func(d Device) bool { return d.ID == id })
		if at < 0 {
			return verdict{}, ErrNotTrusted
		}
		device := &record.Devices[at]
		if device.Key != nil && proof.Signature == "" {
			return verdict{}, ErrNotTrusted
		}
		hash := deviceHash(secret, user, browser)
		present := subtle.ConstantTimeCompare(hash, device.Hash) == 1
		switch {
		case present && (device.Key == nil || proof.holds(device.Key, proofOfSignIn, device.ID)):
			device.Previous, device.Hash = device.Hash, deviceHash(fresh, user, browser)
			device.Used = now.UTC()
			record.happened(ctx, EventTrusted, now.UTC())
			return verdict{next: record}, nil
		case subtle.ConstantTimeCompare(hash, device.Previous) == 1 && age.Within(now, device.Used, overlap):
			return verdict{}, ErrNotTrusted
		}
		record.Devices = slices.Delete(record.Devices, at, at+1)
		record.happened(ctx, EventMisused, now.UTC())
		return verdict{next: record, outcome: ErrMisused}, nil
	})
	if err != nil {
		return "", err
	}
	return id + "." + fresh, nil
}

// ForgetDevice ends the trust in a browser, and reports whether it was trusted. ErrNotEnrolled if there is no record.
func (s *Service) ForgetDevice(ctx context.Context, user, id string) (forgotten bool, err error) {
	return s.forget(ctx, user, func(d Device) bool { return d.ID == id })
}

// ForgetDevices ends the trust in all of the user's browsers, and reports whether there was one. ErrNotEnrolled if
// there is no record.
func (s *Service) ForgetDevices(ctx context.Context, user string) (forgotten bool, err error) {
	return s.forget(ctx, user, func(Device) bool { return true })
}

func (s *Service) forget(ctx context.Context, user string, which func(Device) bool) (forgotten bool, err error) {
	err = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		now := s.config.Now().UTC()
		before := len(record.Devices)
		record.Devices = slices.DeleteFunc(slices.Clone(record.Devices), which)
		if forgotten = len(record.Devices) < before; !forgotten {
			return verdict{keep: true}, nil
		}
		record.happened(ctx, EventForgotten, now)
		return verdict{next: record}, nil
	})
	return forgotten && err == nil, err
}

// MayTrust reports whether a browser with this key, nil for none, can be trusted. Without a key a copy of the browser's
// secret works once, and Config.RememberKey rules that out.
func MayTrust(s *Service, key []byte) bool { return key != nil || !s.config.RememberKey }

// trusted returns copies of the devices whose trust has not expired. A clock that was set back does not prolong it.
func (s *Service) trusted(record Record, now time.Time) []Device {
	var devices []Device
	for _, device := range record.Devices {
		if age.Within(now, device.Created, s.config.Remember) && MayTrust(s, device.Key) {
			devices = append(devices, device)
		}
	}
	return devices
}

// withDevice adds a device. If there are too many, it replaces the least recently used one.
func withDevice(devices []Device, device Device) []Device {
	if len(devices) >= MaxDevices {
		oldest := 0
		for i := range devices {
			if devices[i].Used.Before(devices[oldest].Used) {
				oldest = i
			}
		}
		devices = slices.Delete(devices, oldest, oldest+1)
	}
	return append(devices, device)
}

// deviceSecretSize makes secrets of 256 random bits.
const deviceSecretSize = 32

// deviceHash needs neither salt nor a slow hash, because its input is random (NIST SP 800-63B-4 §3.1.2.2). User and
// browser are part of the input, so that the hash matches nobody else.
func deviceHash(secret, user, browser string) []byte {
	hash := sha256.New()
	for _, part := range []string{"sallyport trusted browser", user, browser, secret} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hash.Sum(nil)
}

// A trusted browser that runs scripts makes a key pair with WebCrypto, ECDSA on P-256 with SHA-256 (FIPS 186-5), whose
// private key no script can read. Only signatures that are verified here decide. That the key never left the browser is
// only the browser's claim.
const (
	// deviceKeySize is the length of an uncompressed point (SEC 1 §2.3.3), the result of exportKey("raw"), in bytes.
	deviceKeySize = 65
	// proofSize is the length of a signature: r and s, 32 bytes each (IEEE P1363), the result of sign().
	proofSize = 64
)

// The purposes of a device key's signature. One that was made for one purpose is not valid for the other.
const (
	proofOfTrust  = "trust"
	proofOfSignIn = "sign in"
)

// errDeviceKey says that a browser's key is unusable, or that the proof of having it is invalid. It quotes nothing.
var errDeviceKey = errors.New("factor: the browser's key is unusable, or the browser does not prove that it has it")

// Proof is what a browser sends to prove that it has a device's key. The zero Proof proves nothing.
type Proof struct {
	// Signature is r and s in base64url without padding, as the browser sent it.
	Signature string
	// Host is the site's host as the browser sees it, with the port if there is one; Base is the path of the gateway's
	// pages.
	Host, Base string
	// Nonce is a random text of the session that the proof is for; no other session ever has the same.
	Nonce string
}

// NewDeviceKey reads the public key that a browser offers, in base64url without padding, and requires a proof that the
// browser has the private key: trust in a key that cannot sign could never be used. The error quotes nothing.
func NewDeviceKey(text string, proof Proof) (key []byte, err error) {
	if raw, ok := fixedBase64(text, deviceKeySize); ok && proof.holds(raw, proofOfTrust, "") {
		return raw, nil
	}
	return nil, errDeviceKey
}

// EncodeDeviceKey returns the text of a public key, as NewDeviceKey reads it.
func EncodeDeviceKey(key []byte) string { return base64.RawURLEncoding.EncodeToString(key) }

// holds reports whether the proof is a signature by the key's private half, for this purpose and device.
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

// text returns the text that is signed; pages/proof.js makes the same. Hosts, addresses, the nonce and the device's ID
// contain no line breaks, so no two statements have the same text.
func (p Proof) text(purpose, device string) []byte {
	return []byte(strings.Join([]string{"sallyport trusted browser", purpose, p.Host, p.Base, p.Nonce, device}, "\n"))
}

// parseDeviceKey accepts a point of the curve and nothing else; nobody reads the error.
func parseDeviceKey(key []byte) (*ecdsa.PublicKey, error) {
	if len(key) != deviceKeySize {
		return nil, errDeviceKey
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key)
}

// fixedBase64 reads exactly size bytes, in their only valid spelling.
func fixedBase64(text string, size int) ([]byte, bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(size) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil && len(raw) == size
}
