package exchange

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// NextSuffix ends the name of the cookie that remembers an address; the rest is the name of the session's cookie.
	NextSuffix = "-next"
	// nextLife is how long an address is remembered.
	nextLife = 10 * time.Minute

	nextPurpose = "sallyport address that was asked for first"
	nextHead    = 8 // until when, in Unix seconds
	nextFormat  = "1"
	// nextLongest is the length of the longest value that we make.
	nextLongest = len(nextFormat) + (chacha20poly1305.NonceSizeX+nextHead+maxTarget+chacha20poly1305.Overhead+2)/3*4
)

// nextCookie is the name of the cookie that holds the address which a stranger asked for. The value is sealed: only the
// gateway can read or make one, and it is valid for this app and host only. Without the cookie, every page load of a
// stranger would be written to the session store, and anybody could fill that.
func (s *Site) nextCookie(r *http.Request) string { return s.CookieName(r) + NextSuffix }

// rememberTarget makes the browser remember the address of its request, if it is an address of this site. If the keys
// cannot be had, nothing is remembered, and a sign-in ends where the app leads.
func rememberTarget(x *Exchange, address string) {
	target, ok := LocalTarget(address, x.R)
	if !ok || len(target) > maxTarget {
		return
	}
	keys, err := nextKeys(x)
	if err != nil {
		x.Log.DebugContext(x.R.Context(), "an address is not remembered: the keys of sessions cannot be had", "app", x.Config.App, "error", err)
		return
	}
	value, err := sealNext(keys[0], nextBound(x), target, x.Now)
	if err != nil {
		return
	}
	age := "; Max-Age=" + strconv.Itoa(int(nextLife/time.Second))
	x.WriteCookie(x.W.Header(), x.R, x.nextCookie(x.R), value, age, "Lax")
}

// RememberedTarget returns the address that this browser lately asked for as a stranger. It returns "" if there is
// none, or if the gateway did not seal the value for this app and host.
func (x *Exchange) RememberedTarget() string {
	value := shownNext(x)
	if value == "" || len(value) > nextLongest {
		return ""
	}
	keys, err := nextKeys(x)
	if err != nil {
		return ""
	}
	for _, key := range keys {
		if target, ok := openNext(key, nextBound(x), value, x.Now); ok {
			return target
		}
	}
	return ""
}

// ForgetTarget removes the cookie from a browser that sent it.
func ForgetTarget(x *Exchange) {
	if shownNext(x) != "" {
		x.WriteCookie(x.W.Header(), x.R, x.nextCookie(x.R), "", "; Max-Age=0", "Lax")
	}
}

func shownNext(x *Exchange) string {
	lines := x.R.Header["Cookie"]
	if x.SentSaved {
		lines = x.Sent // by now the header holds what the app gets
	}
	return CookieValue(lines, x.nextCookie(x.R))
}

func nextKeys(x *Exchange) ([][]byte, error) {
	return Keys(x.R.Context(), x.Site, nextPurpose)
}

// nextBound returns what a remembered address is bound to. Neither part holds a zero byte.
func nextBound(x *Exchange) string {
	return nextPurpose + "\x00" + x.Config.App + "\x00" + HostOf(x.R)
}

func sealNext(key []byte, bound, target string, now time.Time) (string, error) {
	seal, err := chacha20poly1305.NewX(key)
	if err != nil {
		return "", err
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, nextHead+len(target)), uint64(now.Add(nextLife).Unix()))
	plain = append(plain, target...)
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce) // rand.Read never fails
	return nextFormat + base64.RawURLEncoding.EncodeToString(seal.Seal(nonce, nonce, plain, []byte(bound))), nil
}

// openNext is the reverse of sealNext. It refuses a value that lasts longer than one made now, since no clock of ours
// made it.
func openNext(key []byte, bound, value string, now time.Time) (target string, ok bool) {
	text, ok := strings.CutPrefix(value, nextFormat)
	if !ok || len(value) > nextLongest {
		return "", false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sealed) < chacha20poly1305.NonceSizeX {
		return "", false
	}
	seal, err := chacha20poly1305.NewX(key)
	if err != nil {
		return "", false
	}
	nonce, rest := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	plain, err := seal.Open(nil, nonce, rest, []byte(bound))
	if err != nil || len(plain) < nextHead || len(plain) > nextHead+maxTarget {
		return "", false
	}
	until, latest := int64(binary.BigEndian.Uint64(plain)), now.Add(nextLife).Unix()
	if target = string(plain[nextHead:]); until <= now.Unix() || until > latest || !isLocal(target) {
		return "", false
	}
	return target, true
}
