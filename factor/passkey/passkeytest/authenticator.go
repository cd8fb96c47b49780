// Package passkeytest is a security key in software, for tests: it makes passkeys and answers with them as a browser
// sends it, and can be told to lie. Its signatures are real. It shares no code with what it tests but the CBOR.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// The flags of authenticator data (WebAuthn Level 3, 6.1).
const (
	Present  = 0x01
	Verified = 0x04
	Eligible = 0x08
	Backed   = 0x10
	attested = 0x40
)

// Authenticator is a device with one passkey.
type Authenticator struct {
	// Origin is where the browser says that the page is, and RPID what the device is asked for. Empty RPID: that of
	// the options.
	Origin, RPID string
	// Flags are those of every answer.
	Flags byte
	// Count is the device's count of uses, and Step how far each use counts on.
	Count, Step uint32
	// Model is the AAGUID.
	Model [16]byte
	// ID names the passkey. Handle is what the site calls the user; Create sets it.
	ID, Handle []byte
	// Challenge, if set, is signed in place of the one that was asked.
	Challenge string
	// CrossOrigin has the browser say that the page is in another site's frame.
	CrossOrigin bool
	// Type, if set, is the ceremony that the browser names.
	Type string

	key *ecdsa.PrivateKey
}

// New makes a device at a page.
func New(t testing.TB, origin string) *Authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id) // it never fails
	return &Authenticator{Origin: origin, Flags: Present | Verified, Step: 1, ID: id, key: key}
}

// Copy is another device with the same passkey.
func (a *Authenticator) Copy() *Authenticator {
	b := *a
	return &b
}

type options struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		RPID      string `json:"rpId"`
		RP        struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"publicKey"`
}

func parse(t testing.TB, text string) (parsed options) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &parsed); err != nil || parsed.PublicKey.Challenge == "" {
		t.Fatalf("no options: %s, %v", text, err)
	}
	return parsed
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// client is the client data.
func (a *Authenticator) client(t testing.TB, ceremony, challenge string) []byte {
	t.Helper()
	if a.Challenge != "" {
		challenge = a.Challenge
	}
	if a.Type != "" {
		ceremony = a.Type
	}
	data, err := json.Marshal(map[string]any{"type": ceremony, "challenge": challenge, "origin": a.Origin, "crossOrigin": a.CrossOrigin})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// data is the authenticator data, without what is attested.
func (a *Authenticator) data(id string, flags byte) []byte {
	if a.RPID != "" {
		id = a.RPID
	}
	hash := sha256.Sum256([]byte(id))
	return binary.BigEndian.AppendUint32(append(hash[:], a.Flags|flags), a.Count)
}

// Create makes the passkey, and returns what a browser sends of it.
func (a *Authenticator) Create(t testing.TB, creation string) string {
	t.Helper()
	asked := parse(t, creation).PublicKey
	var err error
	if a.Handle, err = base64.RawURLEncoding.DecodeString(asked.User.ID); err != nil {
		t.Fatal(err)
	}
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		t.Fatal(err)
	}
	data := append(a.data(asked.RP.ID, attested), a.Model[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID)))
	data = append(append(data, a.ID...), key...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		t.Fatal(err)
	}
	return a.response(t, map[string]any{
		"clientDataJSON": encoded(a.client(t, "webauthn.create", asked.Challenge)), "attestationObject": encoded(object),
		"transports": []string{"usb", "sorcery"},
	})
}

// Get answers a question, and returns what a browser sends.
func (a *Authenticator) Get(t testing.TB, request string) string {
	t.Helper()
	asked := parse(t, request).PublicKey
	a.Count += a.Step
	data, client := a.data(asked.RPID, 0), a.client(t, "webauthn.get", asked.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte(nil), data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return a.response(t, map[string]any{
		"clientDataJSON": encoded(client), "authenticatorData": encoded(data), "signature": encoded(signature), "userHandle": encoded(a.Handle),
	})
}

func (a *Authenticator) response(t testing.TB, response map[string]any) string {
	t.Helper()
	content, err := json.Marshal(map[string]any{
		"id": encoded(a.ID), "rawId": encoded(a.ID), "type": "public-key", "authenticatorAttachment": "cross-platform",
		"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}}, "response": response,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
