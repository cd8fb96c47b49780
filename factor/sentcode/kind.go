// Package sentcode is the kind of factor that is a code sent to the user: by e-mail, or by text message. Six random
// digits, of which the session that asked keeps a keyed hash, and nobody keeps anything else. The key is the factor's
// secret in the user's record, so that neither the store of sessions nor the record alone shows a code.
//
// The kind writes codes and judges them; it sends nothing, and counts nothing. docs/decisions/0026-sent-codes.md says
// why things are as they are.
package sentcode

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/match"
)

// MaxLifetime is how long a code can be good at most: NIST SP 800-63B-4, 3.1.3.2, has ten minutes.
const MaxLifetime = 10 * time.Minute

// minLifetime is how long a code is good at least: less is a mistake.
const minLifetime = time.Second

// Sizes in bytes, and in digits.
const (
	keySize   = 32
	nonceSize = 16
	digits    = 6
)

// Options are a Kind's settings.
type Options struct {
	// Typed: users say at the set-up where codes are sent. Else the app says it, at each sign-in.
	Typed bool
	// Lifetime is how long a code is good, from a second to MaxLifetime. Default: MaxLifetime for e-mail, 5 minutes
	// for text messages.
	Lifetime time.Duration
}

// Kind is the kind of factor. It implements factor.Enroller and factor.Messenger.
type Kind struct {
	name    factor.Method
	options Options
	valid   func(address string) bool
	mask    func(address string) string
}

// Mail makes the kind of codes that are sent by e-mail.
func Mail(options Options) *Kind {
	if options.Lifetime == 0 {
		options.Lifetime = MaxLifetime
	}
	return &Kind{name: factor.MethodMail, options: options, valid: match.IsMailAddress, mask: maskMail}
}

// SMS makes the kind of codes that are sent by text message.
func SMS(options Options) *Kind {
	if options.Lifetime == 0 {
		options.Lifetime = 5 * time.Minute
	}
	return &Kind{name: factor.MethodSMS, options: options, valid: match.IsPhoneNumber, mask: maskNumber}
}

// Name implements factor.Kind.
func (k *Kind) Name() factor.Method { return k.name }

// Lifetime implements factor.Messenger.
func (k *Kind) Lifetime() time.Duration { return k.options.Lifetime }

// Typed implements factor.Messenger.
func (k *Kind) Typed() bool { return k.options.Typed }

// Validate implements factor.Kind.
func (k *Kind) Validate() error { return CheckLifetime(k.options.Lifetime) }

// CheckLifetime reports what is wrong with a lifetime (factor.ErrInvalid).
func CheckLifetime(lifetime time.Duration) error {
	if lifetime < minLifetime || lifetime > MaxLifetime {
		return fmt.Errorf("%w: lifetime must be from 1s to 10m (NIST SP 800-63B-4, 3.1.3.2)", factor.ErrInvalid)
	}
	return nil
}

// state is what a factor of this kind remembers.
type state struct {
	// Address is where codes go, or, where the app says that, where the first one went.
	Address string `json:"address"`
	// Last is the hash of the nonce of the code that was accepted last, which is not accepted again.
	Last []byte `json:"last,omitempty"`
}

func (k *Kind) read(f factor.Factor) (state, error) {
	var s state
	if factor.DecodeStrictly(f.State, &s) != nil || !k.valid(s.Address) || len(s.Last) != 0 && len(s.Last) != sha256.Size || len(f.Secret) != keySize {
		return state{}, fmt.Errorf("%w: bad state of a factor whose codes are sent", factor.ErrCorrupt)
	}
	return s, nil
}

func (s state) into(f factor.Factor) (factor.Factor, error) {
	content, err := json.Marshal(s)
	if err != nil {
		return factor.Factor{}, fmt.Errorf("factor/sentcode: encoding the state: %w", err)
	}
	f.State = content
	return f, nil
}

// Check implements factor.Kind.
func (k *Kind) Check(f factor.Factor) error {
	_, err := k.read(f)
	return err
}

// address is where a code for a factor goes now; empty if nowhere. Where the app says it, what it says now counts, and
// nothing else: an address that it has taken back gets no codes.
func (k *Kind) address(env factor.Env, s state) string {
	address := s.Address
	if !k.options.Typed {
		address = env.Address
	}
	if !k.valid(address) {
		return ""
	}
	return address
}

// To implements factor.Messenger.
func (k *Kind) To(env factor.Env, f factor.Factor) string {
	s, err := k.read(f)
	if err != nil {
		return ""
	}
	address := k.address(env, s)
	if address == "" {
		return ""
	}
	return k.mask(address)
}

// hidden stands for what a masked address does not show, however long that is.
const hidden = "•••"

// maskMail shows the first character, and the domain: its owner knows the mailbox by that, and whoever has only the
// password cannot write to it.
func maskMail(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	first, _ := utf8.DecodeRuneInString(local)
	if utf8.RuneCountInString(local) < 3 {
		return hidden + "@" + domain
	}
	return string(first) + hidden + "@" + domain
}

// maskNumber shows the last two digits.
func maskNumber(number string) string { return hidden + " " + number[len(number)-2:] }

var (
	_ factor.Enroller  = (*Kind)(nil)
	_ factor.Messenger = (*Kind)(nil)
)
