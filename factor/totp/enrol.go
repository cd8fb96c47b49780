package totp

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"sallyport.example/sallyport/factor"
)

// proposal is what a ceremony of this kind keeps besides the new seed. Nodes of the previous version read exactly these
// fields.
type proposal struct {
	Algorithm Algorithm `json:"algorithm"`
	Digits    int       `json:"digits"`
	// Period is how long a code holds, in seconds.
	Period int `json:"period"`
	// Skew is the configured skew when the proposal was made. It is for nodes of the previous version only: codes are
	// judged with the skew that is configured at that time.
	Skew int `json:"skew"`
}

// Begin implements factor.Enroller: it makes a new seed.
func (k *Kind) Begin(env factor.Env) (factor.Ceremony, error) {
	p := k.parameters
	content, err := json.Marshal(proposal{
		Algorithm: p.Algorithm, Digits: p.Digits, Period: int(p.Period / time.Second), Skew: p.Skew,
	})
	if err != nil {
		return factor.Ceremony{}, fmt.Errorf("factor/totp: encoding the state: %w", err)
	}
	// As long as the hash's output (RFC 6238, 5.1).
	secret := make([]byte, p.Algorithm.secretSize())
	if _, err := io.ReadFull(env.Random, secret); err != nil {
		return factor.Ceremony{}, fmt.Errorf("factor/totp: reading random bytes: %w", err)
	}
	return factor.Ceremony{State: content, Secret: secret}, nil
}

// proposed returns how the codes of a proposed seed are computed, with the kind's own skew, or an error that says what
// is wrong with the proposal.
func (k *Kind) proposed(c factor.Ceremony) (Parameters, error) {
	var p proposal
	if factor.DecodeStrictly(c.State, &p) != nil || p.Period < 1 || p.Period > int(MaxPeriod/time.Second) {
		return Parameters{}, fmt.Errorf("%w: totp: bad state of a set-up", factor.ErrInvalid)
	}
	if len(c.Secret) < MinSecret || len(c.Secret) > MaxSecret {
		return Parameters{}, fmt.Errorf("%w: totp: bad length of the seed", factor.ErrInvalid)
	}
	parameters := Parameters{
		Algorithm: p.Algorithm, Digits: p.Digits, Period: time.Duration(p.Period) * time.Second, Skew: k.parameters.Skew,
	}
	if parameters != parameters.withDefaults() {
		return Parameters{}, fmt.Errorf("%w: totp: parameters are missing", factor.ErrInvalid)
	}
	return parameters, parameters.Validate()
}

// Show implements factor.Enroller: the otpauth address for a QR code, and the seed for typing.
func (k *Kind) Show(env factor.Env, c factor.Ceremony) (factor.Offer, error) {
	parameters, err := k.proposed(c)
	if err != nil {
		return factor.Offer{}, err
	}
	issuer := k.issuer
	if issuer == "" {
		issuer = env.App
	}
	key := typedKey(c.Secret)
	return factor.Offer{
		URI: address(issuer, env.User, key, parameters), Key: key,
		Digits: parameters.Digits, Algorithm: string(parameters.Algorithm), Period: parameters.Period,
	}, nil
}

// Finish implements factor.Enroller. The step of the confirming code counts as used.
func (k *Kind) Finish(env factor.Env, c factor.Ceremony, answer factor.Answer) (factor.Factor, bool, error) {
	parameters, err := k.proposed(c)
	if err != nil {
		return factor.Factor{}, false, err
	}
	step, err := parameters.match(c.Secret, answer.Text, env.Now)
	if err != nil || step == noStep {
		return factor.Factor{}, false, err
	}
	f, err := NewFactor(c.Secret, parameters, step)
	return f, err == nil, err
}
