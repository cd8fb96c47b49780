package totp

import (
	"encoding/base32"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"sallyport.example/sallyport/factor"
)

// Algorithm is the hash of a one-time code, spelt as in otpauth addresses.
type Algorithm string

// The algorithms of RFC 6238. Many authenticators silently compute SHA1 whatever the address says, so it is the
// default; the collisions found in SHA1 do not affect HMAC-SHA1.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

// Bounds of what is accepted from a configuration and from a record.
const (
	// MinSecret is the shortest seed in bytes: 128 bits (RFC 4226, 4, R6). An empty seed would make codes that
	// anybody can compute.
	MinSecret = 16
	// MaxSecret is the longest seed in bytes: one block of SHA512.
	MaxSecret = 128
	// MaxPeriod is the longest period of a code.
	MaxPeriod = time.Hour
	// MaxSkew is the most steps that may be accepted on either side of the present one.
	MaxSkew = 10
)

// Parameters say how one-time codes are computed (RFC 6238).
type Parameters struct {
	// Algorithm is the hash; default SHA1.
	Algorithm Algorithm
	// Digits is the length of a code, 6 to 8; default 6.
	Digits int
	// Period is how long a code holds, in whole seconds; default 30s.
	Period time.Duration
	// Skew is how many steps before and after the present one are accepted as well. Its default is 1 if all of the
	// Parameters is zero; otherwise zero means none.
	Skew int
}

// DefaultParameters is what every authenticator can do: SHA1, 6 digits, 30 seconds, one step of skew.
func DefaultParameters() Parameters {
	return Parameters{Algorithm: SHA1, Digits: 6, Period: 30 * time.Second, Skew: 1}
}

// withDefaults sets the defaults of zero fields.
func (p Parameters) withDefaults() Parameters {
	standard := DefaultParameters()
	if p == (Parameters{}) {
		return standard
	}
	if p.Algorithm == "" {
		p.Algorithm = standard.Algorithm
	}
	if p.Digits == 0 {
		p.Digits = standard.Digits
	}
	if p.Period == 0 {
		p.Period = standard.Period
	}
	return p
}

// Validate checks the settings (factor.ErrInvalid). Zero fields take their defaults first.
func (p Parameters) Validate() error {
	p = p.withDefaults()
	if _, known := p.Algorithm.hash(); !known {
		return fmt.Errorf("%w: totp: algorithm must be SHA1, SHA256 or SHA512", factor.ErrInvalid)
	}
	switch {
	case p.Digits < 6 || p.Digits > 8:
		return fmt.Errorf("%w: totp: digits must be 6, 7 or 8", factor.ErrInvalid)
	case p.Period < time.Second || p.Period > MaxPeriod || p.Period%time.Second != 0:
		return fmt.Errorf("%w: totp: period must be whole seconds, from 1s to %s", factor.ErrInvalid, MaxPeriod)
	case p.Skew < 0 || p.Skew > MaxSkew:
		return fmt.Errorf("%w: totp: skew must be from 0 to %d", factor.ErrInvalid, MaxSkew)
	}
	return nil
}

// hash returns the otp library's constant for the algorithm. MD5, which that library also has, is not supported.
func (a Algorithm) hash() (otp.Algorithm, bool) {
	switch a {
	case SHA1:
		return otp.AlgorithmSHA1, true
	case SHA256:
		return otp.AlgorithmSHA256, true
	case SHA512:
		return otp.AlgorithmSHA512, true
	}
	return 0, false
}

// secretSize is the length of a new seed: that of the hash's output (RFC 6238, 5.1).
func (a Algorithm) secretSize() int {
	switch a {
	case SHA256:
		return 32
	case SHA512:
		return 64
	}
	return 20
}

// step is the number of the time step that now lies in.
func (p Parameters) step(now time.Time) int64 {
	return now.Unix() / int64(p.Period/time.Second)
}

// noStep is what match returns when the code belongs to no step of the window.
const noStep int64 = -1

// match finds the step whose code was typed. It always computes all steps of the window, so that the time taken reveals
// nothing. If two steps have the same code the later one counts; otherwise the code would be accepted twice.
func (p Parameters) match(secret []byte, code string, now time.Time) (int64, error) {
	algorithm, known := p.Algorithm.hash()
	if !known || len(secret) < MinSecret || p.Digits < 6 || p.Digits > 8 || p.Period < time.Second {
		// Everything was validated before, but the library would accept an empty seed, so check again.
		return noStep, factor.ErrCorrupt
	}
	digits, ok := normaliseDigits(code, p.Digits)
	if !ok {
		return noStep, nil
	}
	key := base32.StdEncoding.EncodeToString(secret)
	options := hotp.ValidateOpts{Digits: otp.Digits(p.Digits), Algorithm: algorithm}
	found := noStep
	for at := p.step(now) - int64(p.Skew); at <= p.step(now)+int64(p.Skew); at++ {
		if at < 0 {
			continue // before 1970: a counter that wrapped around would be a step of the far future
		}
		right, err := hotp.ValidateCustom(digits, uint64(at), key, options)
		if err != nil {
			// The library's error is left out: it could quote the key.
			return noStep, fmt.Errorf("%w: the one-time code cannot be computed", factor.ErrCorrupt)
		}
		if right {
			found = at
		}
	}
	return found, nil
}

// normaliseDigits accepts exactly count digits, whatever people and clipboards put between them.
func normaliseDigits(typed string, count int) (string, bool) {
	code := factor.PlainCode(typed)
	if len(code) != count {
		return "", false
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return "", false
		}
	}
	return code, true
}
