package custody

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// MaxTokens is how many bearer tokens are bound to one session; a further one replaces the oldest.
const MaxTokens = 16

// MaxToken is the length of the longest bearer token that can be bound, in bytes. Servers accept no longer header
// lines.
const MaxToken = 8 << 10

// The purposes of a bond. A credential bound for one purpose is not recognised for the other.
const (
	purposeBasic = "basic\x00"
	purposeToken = "token\x00"
)

const bondSize = sha256.Size

// Bonds recognise the credentials that a session may send to the app in its requests: the Authorization that was
// verified in it, and the bearer tokens that were issued to it. They are hashes under a key of this session's own, so
// they contain no password. The zero value recognises nothing. Bonds are immutable: methods return changed copies.
type Bonds struct {
	key    string
	basic  string
	tokens []string
}

// BindBasic returns the bonds with this Authorization line of HTTP Basic instead of any other.
func (b Bonds) BindBasic(line string) Bonds {
	b = b.keyed()
	b.basic = b.hash(purposeBasic, line)
	return b
}

// BindToken returns the bonds with this bearer token added. A token that was already bound counts as the newest. If
// there are more than MaxTokens, the oldest is dropped. The token must not be empty, nor longer than MaxToken.
func (b Bonds) BindToken(token string) Bonds {
	b = b.keyed()
	hash := b.hash(purposeToken, token)
	kept := make([]string, 0, len(b.tokens)+1)
	for _, other := range b.tokens {
		if other != hash {
			kept = append(kept, other)
		}
	}
	kept = append(kept, hash)
	b.tokens = kept[max(0, len(kept)-MaxTokens):]
	return b
}

// HasBasic reports whether an Authorization of HTTP Basic was verified in this session.
func (b Bonds) HasBasic() bool { return b.basic != "" }

// Basic reports whether an Authorization line equals the one that was bound.
func (b Bonds) Basic(line string) bool {
	return b.basic != "" && line != "" && same(b.hash(purposeBasic, line), b.basic)
}

// Token reports whether a bearer token is one of those that were bound. It takes the same time for every token that is
// not.
func (b Bonds) Token(token string) bool {
	if len(b.tokens) == 0 || token == "" || len(token) > MaxToken {
		return false
	}
	hash, found := b.hash(purposeToken, token), 0
	for _, bound := range b.tokens {
		found |= subtle.ConstantTimeCompare([]byte(hash), []byte(bound))
	}
	return found == 1
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (b Bonds) keyed() Bonds {
	if b.key == "" {
		key := make([]byte, bondSize)
		_, _ = rand.Read(key) // it never fails (crypto/rand)
		b.key = string(key)
	}
	return b
}

func (b Bonds) hash(purpose, credential string) string {
	mac := hmac.New(sha256.New, []byte(b.key))
	mac.Write([]byte(purpose))
	mac.Write([]byte(credential))
	return string(mac.Sum(nil))
}

// The flags of stored bonds.
const (
	bondsBasic = 1 << iota
	bondsTokens
	bondsKnown = bondsBasic | bondsTokens
)

// Encode appends the bonds to dst in a form that contains its own length. Empty bonds take one byte.
func (b Bonds) Encode(dst []byte) []byte {
	var flags byte
	if b.basic != "" {
		flags |= bondsBasic
	}
	if len(b.tokens) > 0 {
		flags |= bondsTokens
	}
	dst = append(dst, flags)
	if flags == 0 {
		return dst
	}
	dst = append(dst, b.key...)
	dst = append(dst, b.basic...)
	if flags&bondsTokens != 0 {
		dst = append(dst, byte(len(b.tokens)))
		for _, token := range b.tokens {
			dst = append(dst, token...)
		}
	}
	return dst
}

// DecodeBonds reads bonds from the beginning of b and returns what follows them. They share the memory of b. The error
// is [ErrCorrupt] for anything that [Bonds.Encode] did not write.
func DecodeBonds(b string) (bonds Bonds, rest string, err error) {
	r := reader{rest: b}
	flags := r.byte()
	if flags != 0 {
		bonds.key = r.exactly(bondSize)
	}
	if flags&bondsBasic != 0 {
		bonds.basic = r.exactly(bondSize)
	}
	if flags&bondsTokens != 0 {
		count := r.byte()
		if count == 0 || count > MaxTokens {
			r.failed = true
		} else {
			bonds.tokens = make([]string, count)
			for i := range bonds.tokens {
				bonds.tokens[i] = r.exactly(bondSize)
			}
		}
	}
	if r.failed || flags&^bondsKnown != 0 {
		return Bonds{}, b, fmt.Errorf("%w: bonds", ErrCorrupt)
	}
	return bonds, r.rest, nil
}

func (r *reader) exactly(length int) string {
	if length > len(r.rest) {
		r.failed, r.rest = true, ""
		return ""
	}
	text := r.rest[:length]
	r.rest = r.rest[length:]
	return text
}

// String says how many credentials are bound and nothing else.
func (b Bonds) String() string {
	return fmt.Sprintf("bonds of %d tokens, Basic: %t", len(b.tokens), b.HasBasic())
}

// GoString is String: %#v must not show hashes either.
func (b Bonds) GoString() string { return b.String() }

// LogValue is String, for log/slog.
func (b Bonds) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalJSON is String in quotes, for loggers that fall back on JSON. Bonds are stored with [Bonds.Encode].
func (b Bonds) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", b.String()), nil }
