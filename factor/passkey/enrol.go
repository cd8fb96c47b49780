package passkey

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/age"
)

// ceremony is what waits in the session, for a set-up and for a question.
type ceremony struct {
	// Challenge is what is signed, or comes back with what is.
	Challenge []byte `json:"challenge"`
	// Site is the origin at which it was asked, the only one at which it can be answered.
	Site string `json:"site"`
	// Handle and Made are of a set-up: the user's handle, and when the challenge was made, since the set-up itself
	// lasts longer.
	Handle []byte    `json:"handle,omitempty"`
	Made   time.Time `json:"made,omitzero"`
}

func (c ceremony) encode() (factor.Ceremony, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return factor.Ceremony{}, fmt.Errorf("factor/passkey: encoding a ceremony: %w", err)
	}
	return factor.Ceremony{State: content}, nil
}

func decode(stored factor.Ceremony) (ceremony, error) {
	var c ceremony
	if factor.DecodeStrictly(stored.State, &c) != nil || len(c.Challenge) != challengeSize {
		return ceremony{}, fmt.Errorf("%w: passkey: bad state of a ceremony", factor.ErrInvalid)
	}
	return c, nil
}

// session is the ceremony as the library keeps it.
func (c ceremony) session(k *Kind) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: base64.RawURLEncoding.EncodeToString(c.Challenge), RelyingPartyID: k.options.RPID, Origin: c.Site,
		UserID: c.Handle, UserVerification: k.verification(),
	}
}

func random(env factor.Env, size int) ([]byte, error) {
	raw := make([]byte, size)
	if _, err := io.ReadFull(env.Random, raw); err != nil {
		return nil, fmt.Errorf("factor/passkey: reading random bytes: %w", err)
	}
	return raw, nil
}

// algorithms are those of the keys that are taken: EdDSA, ES256 and RS256, as the specification recommends.
func algorithms() []protocol.CredentialParameter { return webauthn.CredentialParametersRecommendedL3() }

// Begin implements factor.Enroller: it makes a challenge, and a handle for a user who has none.
func (k *Kind) Begin(env factor.Env) (factor.Ceremony, error) {
	if !k.UsableAt(env.Site) {
		return factor.Ceremony{}, fmt.Errorf("%w: passkey: not at this site", factor.ErrInvalid)
	}
	known, err := k.bound(env.Factors)
	if err != nil {
		return factor.Ceremony{}, err
	}
	c := ceremony{Site: env.Site, Made: env.Now.UTC()}
	if len(known) > 0 {
		c.Handle = known[0].Handle
	} else if c.Handle, err = random(env, handleSize); err != nil {
		return factor.Ceremony{}, err
	}
	if c.Challenge, err = random(env, challengeSize); err != nil {
		return factor.Ceremony{}, err
	}
	return c.encode()
}

// Show implements factor.Enroller: the creation options. They exclude the passkeys among Env.Factors.
func (k *Kind) Show(env factor.Env, stored factor.Ceremony) (factor.Offer, error) {
	c, err := decode(stored)
	if err != nil {
		return factor.Offer{}, err
	}
	known, err := k.bound(env.Factors)
	if err != nil {
		return factor.Offer{}, err
	}
	party, err := k.party(env.App, c.Site)
	if err != nil {
		return factor.Offer{}, err
	}
	exclude := make([]protocol.CredentialDescriptor, len(known))
	for i, credential := range credentials(known) {
		exclude[i] = credential.Descriptor()
	}
	user := owner{handle: c.Handle, name: env.User}
	creation, _, err := party.BeginRegistration(user, func(options *protocol.PublicKeyCredentialCreationOptions) error {
		options.Challenge, options.CredentialExcludeList, options.Parameters = c.Challenge, exclude, algorithms()
		return nil
	})
	if err != nil {
		return factor.Offer{}, fmt.Errorf("%w: passkey: no creation options", factor.ErrInvalid)
	}
	content, err := json.Marshal(creation)
	if err != nil {
		return factor.Offer{}, fmt.Errorf("factor/passkey: encoding the options: %w", err)
	}
	return factor.Offer{Options: string(content)}, nil
}

// Finish implements factor.Enroller. What comes after the challenge's time is wrong. Where the device comes from is not
// asked (attestation: none), so all that is certain is that there is a key.
func (k *Kind) Finish(env factor.Env, stored factor.Ceremony, answer factor.Answer) (factor.Factor, bool, error) {
	c, err := decode(stored)
	if err != nil {
		return factor.Factor{}, false, err
	}
	if !age.Within(env.Now, c.Made, factor.QuestionLifetime) || !k.UsableAt(c.Site) || len(c.Handle) != handleSize {
		return factor.Factor{}, false, nil
	}
	response, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer.Text))
	if err != nil {
		return factor.Factor{}, false, nil //nolint:nilerr // what cannot be read is wrong
	}
	party, err := k.party(env.App, c.Site)
	if err != nil {
		return factor.Factor{}, false, err
	}
	session := c.session(k)
	session.CredParams = algorithms()
	made, err := party.CreateCredential(owner{handle: c.Handle, name: env.User}, session, response)
	if err != nil {
		return factor.Factor{}, false, nil //nolint:nilerr // what does not hold is wrong
	}
	s := state{
		RPID: k.options.RPID, Handle: c.Handle, Credential: made.ID, Key: made.PublicKey, Model: made.Authenticator.AAGUID,
		Count: made.Authenticator.SignCount, Eligible: made.Flags.BackupEligible, Backed: made.Flags.BackupState,
		Transports: known(made.Transport),
	}
	f, err := s.into(factor.Factor{Kind: factor.MethodPasskey, Name: modelName(s.Model, env.Browser)})
	if err != nil {
		return factor.Factor{}, false, err
	}
	return f, k.Check(f) == nil, nil
}

// known are those of the transports that the specification names: the rest comes from the browser, and says nothing.
func known(transports []protocol.AuthenticatorTransport) (kept []protocol.AuthenticatorTransport) {
	for _, transport := range transports {
		switch transport {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			if len(kept) < maxTransports {
				kept = append(kept, transport)
			}
		}
	}
	return kept
}
