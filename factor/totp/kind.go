package totp

import (
	"encoding/json"
	"fmt"
	"time"

	"sallyport.example/sallyport/factor"
)

// Kind is one-time codes as a kind of factor. It implements factor.Enroller.
type Kind struct {
	issuer     string
	parameters Parameters
}

// New makes the kind with the parameters of new enrolments; a factor keeps the ones that it was made with, except for
// Skew, which always comes from here. issuer is the name that authenticators show; default: the app.
func New(issuer string, parameters Parameters) *Kind {
	return &Kind{issuer: issuer, parameters: parameters.withDefaults()}
}

// Name implements factor.Kind.
func (*Kind) Name() factor.Method { return factor.MethodTOTP }

// Validate implements factor.Kind.
func (k *Kind) Validate() error { return k.parameters.Validate() }

// state is what a factor of this kind keeps besides its seed. Schema 1 of records has exactly these fields: a factor
// with more of them would be written in schema 2.
type state struct {
	Algorithm Algorithm `json:"algorithm"`
	Digits    int       `json:"digits"`
	// Period is how long a code holds, in seconds.
	Period int `json:"period"`
	// Step is the number of the last time step whose code was used; only codes of later steps are accepted.
	Step int64 `json:"step"`
}

// parameters returns how the codes of a factor are computed; Skew is the kind's.
func (s state) parameters(skew int) Parameters {
	return Parameters{Algorithm: s.Algorithm, Digits: s.Digits, Period: time.Duration(s.Period) * time.Second, Skew: skew}
}

// NewFactor makes a factor of this kind, without ID and times, whose codes of later steps than step are accepted.
func NewFactor(secret []byte, parameters Parameters, step int64) (factor.Factor, error) {
	content, err := json.Marshal(state{
		Algorithm: parameters.Algorithm, Digits: parameters.Digits, Period: int(parameters.Period / time.Second), Step: step,
	})
	if err != nil {
		return factor.Factor{}, fmt.Errorf("factor/totp: encoding the state: %w", err)
	}
	return factor.Factor{Kind: factor.MethodTOTP, State: content, Secret: secret}, nil
}

// read returns a factor's state, or an error that says what is wrong with it.
func (k *Kind) read(f factor.Factor) (state, error) {
	var s state
	if factor.DecodeStrictly(f.State, &s) != nil {
		return state{}, corrupt("bad state of an authenticator")
	}
	_, known := s.Algorithm.hash()
	switch {
	case len(f.Secret) < MinSecret || len(f.Secret) > MaxSecret:
		return state{}, corrupt("bad length of the seed")
	case !known:
		return state{}, corrupt("unknown algorithm")
	case s.Digits < 6 || s.Digits > 8:
		return state{}, corrupt("bad number of digits")
	case s.Period < 1 || s.Period > int(MaxPeriod/time.Second):
		return state{}, corrupt("bad period")
	case s.Step < 0:
		return state{}, corrupt("negative step")
	}
	return s, nil
}

// Check implements factor.Kind.
func (k *Kind) Check(f factor.Factor) error {
	_, err := k.read(f)
	return err
}

// Judge implements factor.Kind: a code is right if it belongs to a step later than the last one used. The factor keeps
// the step and not the text, because the same code can be typed in many spellings.
func (k *Kind) Judge(answer factor.Answer) factor.Judgement {
	return func(f factor.Factor, now time.Time) (factor.Factor, bool, error) {
		s, err := k.read(f)
		if err != nil {
			return factor.Factor{}, false, err
		}
		parameters := s.parameters(k.parameters.Skew)
		step, err := parameters.match(f.Secret, answer.Text, now)
		switch {
		case err == nil && step == s.Step && step > 0:
			return factor.Factor{}, false, &factor.UsedCodeError{Until: time.Unix((step+1)*int64(s.Period), 0)}
		case err != nil || step == noStep || step <= s.Step:
			return factor.Factor{}, false, err
		}
		next, err := NewFactor(f.Secret, parameters, step)
		if err != nil {
			return factor.Factor{}, false, err
		}
		f.State, f.Used = next.State, now.UTC()
		return f, true, nil
	}
}

func corrupt(why string) error { return fmt.Errorf("%w: %s", factor.ErrCorrupt, why) }

var _ factor.Enroller = (*Kind)(nil)
