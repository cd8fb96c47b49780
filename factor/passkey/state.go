package passkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"sallyport.example/sallyport/factor"
)

// Bounds of what a factor keeps, in bytes.
const (
	handleSize    = 32
	challengeSize = 32
	maxCredential = 1023 // WebAuthn Level 3, 4: "Credential ID"
	maxKey        = 2 << 10
	aaguidSize    = 16
	maxTransports = 8
)

// state is what a factor of this kind remembers. None of it is secret: the private key is the device's. Bytes are
// base64 in JSON.
type state struct {
	// RPID is the RP ID that the passkey is bound to.
	RPID string `json:"rp_id"`
	// Handle names the user to the device: random, and the same for all of the user's passkeys, so that a device that
	// gets a second one replaces the first.
	Handle []byte `json:"handle"`
	// Credential names the passkey, and Key is its public key, as COSE writes it.
	Credential []byte `json:"credential"`
	Key        []byte `json:"key"`
	// Model is the AAGUID of the device, or of whoever keeps the passkey; zeros where that is not told.
	Model []byte `json:"model"`
	// Count is how often the passkey was used, as the device counts; 0 where it does not.
	Count uint32 `json:"count"`
	// Eligible says that the passkey can be copied to other devices (BE), and Backed that it is (BS).
	Eligible bool `json:"eligible"`
	Backed   bool `json:"backed"`
	// Transports are the ways to the device, for the browser.
	Transports []protocol.AuthenticatorTransport `json:"transports,omitempty"`
	// Last is the hash of the challenge that was answered last, which is not accepted again.
	Last []byte `json:"last,omitempty"`
}

// read takes a factor's state out, and says what is wrong with it.
func read(f factor.Factor) (state, error) {
	var s state
	if factor.DecodeStrictly(f.State, &s) != nil {
		return state{}, corrupt("bad state of a passkey")
	}
	switch {
	case CheckRPID(s.RPID) != nil:
		return state{}, corrupt("bad RP ID of a passkey")
	case len(s.Handle) != handleSize:
		return state{}, corrupt("bad handle of a passkey's user")
	case len(s.Credential) == 0 || len(s.Credential) > maxCredential:
		return state{}, corrupt("bad name of a passkey")
	case len(s.Key) == 0 || len(s.Key) > maxKey || len(s.Model) != aaguidSize || len(s.Transports) > maxTransports:
		return state{}, corrupt("bad key of a passkey")
	case s.Backed && !s.Eligible, len(s.Last) != 0 && len(s.Last) != sha256.Size:
		return state{}, corrupt("bad flags of a passkey")
	}
	if _, err := webauthncose.ParsePublicKey(s.Key); err != nil {
		return state{}, corrupt("bad key of a passkey")
	}
	return s, nil
}

// into puts the state into a factor.
func (s state) into(f factor.Factor) (factor.Factor, error) {
	content, err := json.Marshal(s)
	if err != nil {
		return factor.Factor{}, fmt.Errorf("factor/passkey: encoding the state: %w", err)
	}
	f.State = content
	return f, nil
}

// credential is the passkey as the library knows it.
func (s state) credential() webauthn.Credential {
	return webauthn.Credential{
		ID: s.Credential, PublicKey: s.Key, Transport: s.Transports,
		Flags:         webauthn.CredentialFlags{UserPresent: true, BackupEligible: s.Eligible, BackupState: s.Backed},
		Authenticator: webauthn.Authenticator{AAGUID: s.Model, SignCount: s.Count},
	}
}

// Check implements factor.Kind.
func (*Kind) Check(f factor.Factor) error {
	_, err := read(f)
	return err
}

// Same implements factor.Distinct.
func (*Kind) Same(a, b factor.Factor) bool {
	one, err := read(a)
	other, also := read(b)
	return err == nil && also == nil && bytes.Equal(one.Credential, other.Credential)
}

// Synced implements factor.Describer.
func (*Kind) Synced(f factor.Factor) bool {
	s, err := read(f)
	return err == nil && s.Eligible
}

// bound returns the states of the factors that are bound to the kind's RP ID.
func (k *Kind) bound(factors []factor.Factor) (states []state, err error) {
	for _, f := range factors {
		s, err := read(f)
		if err != nil {
			return nil, err
		}
		if s.RPID == k.options.RPID {
			states = append(states, s)
		}
	}
	return states, nil
}

func credentials(states []state) []webauthn.Credential {
	made := make([]webauthn.Credential, len(states))
	for i, s := range states {
		made[i] = s.credential()
	}
	return made
}
