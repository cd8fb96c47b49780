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

// MaxDevices is how many trusted browsers a user may have; the one that was used longest ago goes first.
const MaxDevices = 8

// overlap is how long the secret before the present one is no sign of theft: two windows that sign in at the same
// moment show the same one.
const overlap = time.Minute

// maxCredential is the longest credential that is looked at, in bytes: an ID, a dot and a secret, and some more.
const maxCredential = 128

// ErrNotTrusted says that a browser is not trusted, or no longer.
var ErrNotTrusted = errors.New("factor: the browser is not trusted")

// ErrMisused is an ErrNotTrusted that ended the trust: somebody may hold a copy of what the browser shows.
var ErrMisused = fmt.Errorf("%w any more", ErrNotTrusted)

// Device is a browser in which a code was typed, and that may sign in without one for a while. The browser holds a
// secret, the record its hash. Each use replaces the secret. Where the browser also holds a key, a copy of the secret
// is worth nothing; where it has none, a copy works at most once, and its second use ends the trust.
type Device struct {
	// ID is random and names the browser in lists; it proves nothing.
	ID string `json:"id"`
	// Hash is of the present secret, Previous of the one before it; in JSON as base64.
	Hash     []byte `json:"hash"`
	Previous []byte `json:"previous,omitempty"`
	// Key is the public key of a browser that made one, an uncompressed point of P-256; in JSON as base64. Without it
	// the secret alone decides, with it never.
	Key []byte `json:"key,omitempty"`
	// Browser is the kind of browser, for the eye. A copy that is shown by another kind is worth nothing.
	Browser string `json:"browser,omitempty"`
	// Created is when it was trusted, which the length of the trust counts from; Used is when it last signed in.
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

// DeviceID is the ID of the trusted browser that a credential is of. It proves nothing.
func DeviceID(credential string) string {
	id, _, _ := strings.Cut(credential, ".")
	return id
}

// DeviceStatus is what may be shown of a trusted browser.
type DeviceStatus struct {
	// ID names it to ForgetDevice.
	ID string
	// Browser is the kind of browser; empty when unknown.
	Browser string
	// Key is the public key that it has to prove itself with; nil where it has none.
	Key []byte
	// Created is when it was trusted, Used when it last signed in, Until when the trust ends.
	Created, Used, Until time.Time
}

// Trust is how a browser is to be trusted.
type Trust struct {
	// Key is what NewDeviceKey made of the browser's key; nil for a browser that has none.
	Key []byte
	// Instead are credentials that this browser holds already. What they stand for is trusted no longer: were it left,
	// a copy of all that the browser holds could go without the key after all.
	Instead []string
}

// SignInAndTrust is SignIn, and has the browser trusted in the same write: a reset that comes in between finds it and
// ends it. credential is the secret for the browser to keep, empty where Config.Remember is zero.
func (s *Service) SignInAndTrust(ctx context.Context, user string, answer Answer, trust Trust) (credential string, err error) {
	if s.config.Remember <= 0 {
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

// replaces reports whether a device is one that the browser held before.
func (t Trust) replaces(device Device) bool {
	return slices.ContainsFunc(t.Instead, func(credential string) bool { return DeviceID(credential) == device.ID })
}

// UseDevice judges what a browser shows in place of a code: nil means that it is trusted, and next is the secret to
// keep instead. It counts as no attempt, whatever comes of it, for nobody guesses 256 bits. ErrNotTrusted otherwise;
// ErrMisused where the trust ended by it.
//
// A browser with a key needs the proof as well. Without one nothing is judged and nothing changes: what a browser
// stores is lost now and then. A proof that does not hold, beside the present secret, is no accident, and ends the
// trust.
//
// Where the secret is not the present one the browser is forgotten, since either this one or the one before holds a
// copy. Only for a short while after a use is that use's own secret forgiven, and then it opens nothing either.
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
			// Somebody has the password and is guessing. A code is asked for, and judged when the time has come.
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

// ForgetDevice has a browser trusted no longer, and reports whether it was. ErrNotEnrolled when there is no record.
func (s *Service) ForgetDevice(ctx context.Context, user, id string) (forgotten bool, err error) {
	return s.forget(ctx, user, func(d Device) bool { return d.ID == id })
}

// ForgetDevices has no browser of the user's trusted any longer, and reports whether one was. ErrNotEnrolled when there
// is no record.
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

// trusted are copies of the devices whose time is not over. A clock that was set back makes no trust longer than it is.
func (s *Service) trusted(record Record, now time.Time) []Device {
	var devices []Device
	for _, device := range record.Devices {
		if age.Within(now, device.Created, s.config.Remember) {
			devices = append(devices, device)
		}
	}
	return devices
}

// withDevice adds a device, in the place of the one that was used longest ago where there are too many.
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

// deviceSecretSize makes 256 random bits.
const deviceSecretSize = 32

// deviceHash needs no salt and no work: what is hashed is random (NIST SP 800-63B-4 §3.1.2.2). User and browser are
// part of it, so that it fits nobody else.
func deviceHash(secret, user, browser string) []byte {
	hash := sha256.New()
	for _, part := range []string{"sallyport trusted browser", user, browser, secret} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hash.Sum(nil)
}

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
