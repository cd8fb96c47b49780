package sentcode

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/age"
)

// ceremony is what waits in the session: for a set-up from the beginning, and for each code that was sent.
type ceremony struct {
	// To is where the code goes; empty in a set-up whose user has not said it yet.
	To string `json:"to"`
	// Nonce and Hash are of the code, and Made is when it was made; empty before one was.
	Nonce []byte    `json:"nonce,omitempty"`
	Hash  []byte    `json:"hash,omitempty"`
	Made  time.Time `json:"made,omitzero"`
}

func (c ceremony) encode() (json.RawMessage, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("factor/sentcode: encoding a ceremony: %w", err)
	}
	return content, nil
}

func (k *Kind) decode(stored factor.Ceremony) (ceremony, error) {
	var c ceremony
	err := factor.DecodeStrictly(stored.State, &c)
	named := k.valid(c.To) || c.To == "" && len(c.Hash) == 0
	if err != nil || !named || len(c.Hash) != 0 && (len(c.Hash) != sha256.Size || len(c.Nonce) != nonceSize) {
		return ceremony{}, fmt.Errorf("%w: bad state of a code that was sent", factor.ErrInvalid)
	}
	return c, nil
}

// make makes a code, and the ceremony that knows it again.
func (k *Kind) make(env factor.Env, key []byte, to string) (json.RawMessage, factor.Message, error) {
	c := ceremony{To: to, Nonce: make([]byte, nonceSize), Made: env.Now.UTC()}
	if _, err := io.ReadFull(env.Random, c.Nonce); err != nil {
		return nil, factor.Message{}, fmt.Errorf("factor/sentcode: reading random bytes: %w", err)
	}
	code, err := random(env.Random)
	if err != nil {
		return nil, factor.Message{}, err
	}
	c.Hash = k.hash(key, env.App, env.User, c, code)
	content, err := c.encode()
	return content, factor.Message{To: to, Masked: k.mask(to), Code: code}, err
}

// random returns six digits, of which all are equally likely.
func random(source io.Reader) (string, error) {
	code := make([]byte, 0, digits)
	var raw [1]byte
	for len(code) < digits {
		if _, err := io.ReadFull(source, raw[:]); err != nil {
			return "", fmt.Errorf("factor/sentcode: reading random bytes: %w", err)
		}
		if raw[0] < 250 { // so that each digit is as likely as any other
			code = append(code, '0'+raw[0]%10)
		}
	}
	return string(code), nil
}

// hash binds a code to the app, the user, the kind, the address, and the one time that it was sent.
func (k *Kind) hash(key []byte, app, user string, c ceremony, code string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{"sallyport sent code", app, user, string(k.name), c.To, string(c.Nonce), code} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return mac.Sum(nil)
}

// right reports whether what was typed is the code.
func (k *Kind) right(key []byte, app, user string, c ceremony, typed string) bool {
	code := factor.PlainCode(typed)
	if len(code) != digits || strings.Trim(code, "0123456789") != "" || len(c.Hash) == 0 {
		return false
	}
	return subtle.ConstantTimeCompare(c.Hash, k.hash(key, app, user, c, code)) == 1
}

// Write implements factor.Messenger.
func (k *Kind) Write(env factor.Env, f factor.Factor) (factor.Ceremony, factor.Message, error) {
	s, err := k.read(f)
	if err != nil {
		return factor.Ceremony{}, factor.Message{}, err
	}
	to := k.address(env, s)
	if to == "" {
		return factor.Ceremony{}, factor.Message{}, factor.ErrAddress
	}
	content, message, err := k.make(env, f.Secret, to)
	return factor.Ceremony{State: content}, message, err
}

// Judge implements factor.Kind. A code is right in the session that asked for it, for this very factor, and once.
func (k *Kind) Judge(answer factor.Answer) factor.Judgement {
	return func(f factor.Factor, now time.Time) (factor.Factor, bool, error) {
		s, err := k.read(f)
		switch {
		case err != nil:
			return factor.Factor{}, false, err
		case answer.Asked == nil:
			return factor.Factor{}, false, nil
		}
		c, err := k.decode(*answer.Asked)
		if err != nil {
			return factor.Factor{}, false, err
		}
		used := sha256.Sum256(c.Nonce)
		moved := k.options.Typed && c.To != s.Address
		if moved || subtle.ConstantTimeCompare(used[:], s.Last) == 1 || !age.Within(now, c.Made, k.options.Lifetime) ||
			!k.right(f.Secret, answer.Asked.App, answer.Asked.User, c, answer.Text) {
			return factor.Factor{}, false, nil
		}
		s.Last = used[:]
		next, err := s.into(f)
		if err != nil {
			return factor.Factor{}, false, err
		}
		next.Used = now.UTC()
		return next, true, nil
	}
}

// Begin implements factor.Enroller: it makes the key of the set-up. No code is made before Prove. factor.ErrAddress if
// the app names no address, or what was typed is none; where nothing was typed yet, the user says it next.
func (k *Kind) Begin(env factor.Env) (factor.Ceremony, error) {
	c := ceremony{To: env.Address}
	if k.options.Typed {
		c.To = strings.TrimSpace(env.Typed)
		if k.name == factor.MethodSMS {
			c.To = plainNumber(c.To)
		}
	}
	if !k.valid(c.To) && (!k.options.Typed || c.To != "") {
		return factor.Ceremony{}, factor.ErrAddress
	}
	key, err := newKey(env.Random)
	if err != nil {
		return factor.Ceremony{}, err
	}
	content, err := c.encode()
	return factor.Ceremony{State: content, Secret: key}, err
}

func newKey(source io.Reader) ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(source, key); err != nil {
		return nil, fmt.Errorf("factor/sentcode: reading random bytes: %w", err)
	}
	return key, nil
}

// plainNumber is a number without what people put between its digits.
func plainNumber(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -./()\u00a0\u202f", r) {
			return -1
		}
		return r
	}, typed)
}

// Prove implements factor.Messenger.
func (k *Kind) Prove(env factor.Env, stored factor.Ceremony) (factor.Ceremony, factor.Message, error) {
	c, err := k.decode(stored)
	if err != nil {
		return factor.Ceremony{}, factor.Message{}, err
	}
	if c.To == "" {
		return factor.Ceremony{}, factor.Message{}, factor.ErrAddress
	}
	content, message, err := k.make(env, stored.Secret, c.To)
	return factor.Ceremony{State: content, Secret: stored.Secret}, message, err
}

// Show implements factor.Enroller.
func (k *Kind) Show(_ factor.Env, stored factor.Ceremony) (factor.Offer, error) {
	c, err := k.decode(stored)
	if err != nil {
		return factor.Offer{}, err
	}
	offer := factor.Offer{Digits: digits}
	if c.To != "" {
		offer.To = k.mask(c.To)
	}
	return offer, nil
}

// Finish implements factor.Enroller. The factor gets a key of its own: that of the set-up has been in a session.
func (k *Kind) Finish(env factor.Env, stored factor.Ceremony, answer factor.Answer) (factor.Factor, bool, error) {
	c, err := k.decode(stored)
	if err != nil {
		return factor.Factor{}, false, err
	}
	if len(stored.Secret) != keySize || !age.Within(env.Now, c.Made, k.options.Lifetime) ||
		!k.right(stored.Secret, env.App, env.User, c, answer.Text) {
		return factor.Factor{}, false, nil
	}
	key, err := newKey(env.Random)
	if err != nil {
		return factor.Factor{}, false, err
	}
	used := sha256.Sum256(c.Nonce)
	f, err := state{Address: c.To, Last: used[:]}.into(factor.Factor{Kind: k.name, Secret: key})
	return f, err == nil, err
}
