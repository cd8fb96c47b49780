package custody

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrCorrupt says that stored cookies cannot be read. It never contains any part of them.
var ErrCorrupt = errors.New("stored cookies are damaged")

// encodingVersion is the first byte that Encode writes. Another layout needs another number.
const encodingVersion = 1

// The flags of one cookie. Most cookies of a jar share their host and path, which are then written once.
const (
	flagHostOnly = 1 << iota
	flagExpires
	flagSameDomain // as the cookie before; for the first: empty
	flagSamePath   // as the cookie before; for the first: "/"
	flagsKnown     = flagHostOnly | flagExpires | flagSameDomain | flagSamePath
)

// Encode appends the jar to dst in a compact binary form that contains its own length, so that other data may follow.
func (j Jar) Encode(dst []byte) []byte {
	dst = append(dst, encodingVersion)
	dst = binary.AppendUvarint(dst, uint64(len(j.cookies)))
	domain, path := "", "/"
	for i := range j.cookies {
		c := &j.cookies[i]
		var flags byte
		if c.HostOnly {
			flags |= flagHostOnly
		}
		if !c.Expires.IsZero() {
			flags |= flagExpires
		}
		if c.Domain == domain {
			flags |= flagSameDomain
		}
		if c.Path == path {
			flags |= flagSamePath
		}
		dst = append(dst, flags)
		dst = appendText(dst, c.Name)
		dst = appendText(dst, c.Value)
		if flags&flagSameDomain == 0 {
			dst = appendText(dst, c.Domain)
		}
		if flags&flagSamePath == 0 {
			dst = appendText(dst, c.Path)
		}
		if flags&flagExpires != 0 {
			dst = binary.AppendVarint(dst, c.Expires.Unix())
		}
		domain, path = c.Domain, c.Path
	}
	return dst
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// DecodeJar reads a jar from the beginning of b and returns what follows it. The jar's texts share the memory of b;
// nothing is copied. The error is [ErrCorrupt] for anything that [Jar.Encode] did not write.
func DecodeJar(b string) (jar Jar, rest string, err error) {
	r := reader{rest: b}
	if r.byte() != encodingVersion {
		return Jar{}, b, fmt.Errorf("%w: unknown version", ErrCorrupt)
	}
	count := r.uvarint()
	if r.failed || count > MaxSize/overhead {
		return Jar{}, b, fmt.Errorf("%w: number of cookies", ErrCorrupt)
	}
	if count > 0 {
		jar.cookies = make([]Cookie, count)
	}
	domain, path, size := "", "/", 0
	for i := range jar.cookies {
		c := &jar.cookies[i]
		flags := r.byte()
		c.HostOnly = flags&flagHostOnly != 0
		c.Name = r.text()
		c.Value = r.text()
		if flags&flagSameDomain == 0 {
			domain = r.text()
		}
		if flags&flagSamePath == 0 {
			path = r.text()
		}
		c.Domain, c.Path = domain, path
		if flags&flagExpires != 0 {
			c.Expires = time.Unix(r.varint(), 0).UTC()
		}
		size += c.size()
		if r.failed || flags&^flagsKnown != 0 || size > MaxSize || !c.wellFormed() {
			return Jar{}, b, fmt.Errorf("%w: cookie %d of %d", ErrCorrupt, i+1, count)
		}
	}
	return jar, r.rest, nil
}

// wellFormed reports whether a cookie could have come from a Set-Cookie line. Cookies from a store are written into a
// request's header, so an attacker who can write to the store must not be able to add cookies or headers that way.
func (c *Cookie) wellFormed() bool {
	return c.Name != "" && strings.IndexByte(c.Name, '=') < 0 && oneField(c.Name) && oneField(c.Value) &&
		strings.HasPrefix(c.Path, "/") && (c.Expires.IsZero() || validExpiry(c.Expires))
}

// oneField reports whether text can be between two semicolons.
func oneField(text string) bool {
	return strings.IndexByte(text, ';') < 0 && !hasControl(text)
}

// reader parses a string from its beginning. After an error it returns zero values.
type reader struct {
	rest   string
	failed bool
}

func (r *reader) byte() byte {
	if r.rest == "" {
		r.failed = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// uvarint is binary.Uvarint for strings. It accepts only the shortest encoding of a number.
func (r *reader) uvarint() uint64 {
	var value uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := r.byte()
		if b < 0x80 {
			if b == 0 && shift > 0 || shift == 63 && b > 1 {
				break
			}
			return value | uint64(b)<<shift
		}
		value |= uint64(b&0x7f) << shift
	}
	r.failed, r.rest = true, ""
	return 0
}

func (r *reader) varint() int64 {
	value := r.uvarint()
	signed := int64(value >> 1)
	if value&1 != 0 {
		signed = ^signed
	}
	return signed
}

func (r *reader) text() string {
	length := r.uvarint()
	if length > uint64(len(r.rest)) {
		r.failed, r.rest = true, ""
		return ""
	}
	text := r.rest[:length]
	r.rest = r.rest[length:]
	return text
}
