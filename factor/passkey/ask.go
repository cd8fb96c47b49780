package passkey

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"sallyport.example/sallyport/factor"
)

// Ask implements factor.Asker: the prompt are the request options. ErrNotEnrolled if none of the passkeys can be used
// at the site.
func (k *Kind) Ask(env factor.Env, factors []factor.Factor) (factor.Ceremony, string, error) {
	states, err := k.bound(factors)
	if err != nil {
		return factor.Ceremony{}, "", err
	}
	if len(states) == 0 || !k.UsableAt(env.Site) {
		return factor.Ceremony{}, "", factor.ErrNotEnrolled
	}
	c := ceremony{Site: env.Site}
	if c.Challenge, err = random(env, challengeSize); err != nil {
		return factor.Ceremony{}, "", err
	}
	party, err := k.party(env.App, c.Site)
	if err != nil {
		return factor.Ceremony{}, "", err
	}
	user := owner{handle: states[0].Handle, name: env.User, credentials: credentials(states)}
	assertion, _, err := party.BeginLogin(user, func(options *protocol.PublicKeyCredentialRequestOptions) error {
		options.Challenge = c.Challenge
		return nil
	})
	if err != nil {
		return factor.Ceremony{}, "", fmt.Errorf("%w: passkey: no request options", factor.ErrInvalid)
	}
	prompt, err := json.Marshal(assertion)
	if err != nil {
		return factor.Ceremony{}, "", fmt.Errorf("factor/passkey: encoding the options: %w", err)
	}
	question, err := c.encode()
	return question, string(prompt), err
}

// Judge implements factor.Kind. An answer is right if it is by this passkey, to this very question, at the origin at
// which it was asked. What else has to hold (RP ID, presence, verification, the flags that never change) the library
// looks at. A count that goes back is ErrCopied.
func (k *Kind) Judge(answer factor.Answer) factor.Judgement {
	response, malformed := protocol.ParseCredentialRequestResponseBytes([]byte(answer.Text))
	readable := malformed == nil
	return func(f factor.Factor, now time.Time) (factor.Factor, bool, error) {
		s, err := read(f)
		switch {
		case err != nil:
			return factor.Factor{}, false, err
		case !readable || answer.Asked == nil || !bytes.Equal(response.RawID, s.Credential) || s.RPID != k.options.RPID:
			return factor.Factor{}, false, nil
		}
		c, err := decode(*answer.Asked)
		if err != nil {
			return factor.Factor{}, false, err
		}
		challenge := sha256.Sum256(c.Challenge)
		if subtle.ConstantTimeCompare(challenge[:], s.Last) == 1 || !k.UsableAt(c.Site) {
			return factor.Factor{}, false, nil
		}
		party, err := k.party(answer.Asked.App, c.Site)
		if err != nil {
			return factor.Factor{}, false, err
		}
		c.Handle = s.Handle
		session := c.session(k)
		session.AllowedCredentialIDs = [][]byte{s.Credential}
		used, err := party.ValidateLogin(owner{handle: s.Handle, credentials: []webauthn.Credential{s.credential()}}, session, response)
		switch {
		case err != nil:
			return factor.Factor{}, false, nil //nolint:nilerr // what does not hold is wrong
		case used.Authenticator.CloneWarning:
			return factor.Factor{}, false, factor.ErrCopied
		}
		s.Count, s.Backed, s.Last = used.Authenticator.SignCount, used.Flags.BackupState, challenge[:]
		next, err := s.into(f)
		if err != nil {
			return factor.Factor{}, false, err
		}
		next.Used = now.UTC()
		return next, true, nil
	}
}
