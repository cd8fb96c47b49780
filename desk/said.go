package desk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Names of cookies, behind `__Host-` on https.
const (
	formCookie = "sallyport-desk"
	saidCookie = "sallyport-desk-said"
)

// saidFor is how long what was done waits to be shown.
const saidFor = 2 * time.Minute

// said is what was done, for the page that comes next. It travels in a cookie, sealed, so that any node can show it; it
// is shown once, to the operator who did it.
type said struct {
	Act      string    `json:"act"`
	App      string    `json:"app"`
	User     string    `json:"user"`
	Operator string    `json:"operator"`
	Code     string    `json:"code,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	At       time.Time `json:"at"`
}

// shown remembers, for as long as they are valid, the cookies that were shown.
type shown struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

// first reports whether a cookie is shown for the first time.
func (s *shown) first(cookie string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, until := range s.until {
		if now.After(until) {
			delete(s.until, old)
		}
	}
	if s.until == nil {
		s.until = make(map[[sha256.Size]byte]time.Time)
	}
	mark := sha256.Sum256([]byte(cookie))
	_, before := s.until[mark]
	s.until[mark] = now.Add(2 * saidFor)
	return !before
}

// say has the next page say what was done.
func (v *visit) say(what said) error {
	what.At = time.Now().UTC()
	keys, err := v.Keys(v.r.Context())
	if err != nil {
		return err
	}
	plain, err := json.Marshal(what)
	if err != nil {
		return err
	}
	aead, err := sealing(keys[0])
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	v.setCookie(saidCookie, base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(saidCookie))), saidFor)
	return nil
}

// takeSaid returns what was done to this user, and forgets it. A look at the headers, or ahead, is not the time to show
// it.
func (v *visit) takeSaid(app, user string) (what said, ok bool) {
	purpose := strings.ToLower(v.r.Header.Get("Sec-Purpose") + v.r.Header.Get("Purpose"))
	cookie, sent := v.sent(saidCookie)
	if !sent || v.r.Method != http.MethodGet || strings.Contains(purpose, "prefetch") {
		return said{}, false
	}
	v.setCookie(saidCookie, "", -1)
	keys, err := v.Keys(v.r.Context())
	sealed, malformed := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || malformed != nil {
		return said{}, false
	}
	now := time.Now()
	for _, key := range keys {
		plain, err := unsealed(key, sealed)
		if err != nil || json.Unmarshal(plain, &what) != nil {
			continue
		}
		age := now.Sub(what.At)
		ok = what.App == app && what.User == user && what.Operator == v.operator && age >= -saidFor && age < saidFor
		return what, ok && v.shown.first(cookie, now)
	}
	return said{}, false
}

func sealing(key []byte) (cipher.AEAD, error) {
	sum := sha256.Sum256(key)
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	return cipher.NewGCM(block)
}

func unsealed(key, sealed []byte) ([]byte, error) {
	aead, err := sealing(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("desk: too short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(saidCookie))
}

// setCookie sets a cookie for the desk's pages; a lifetime of zero ends it with the browser, a negative one at once.
func (v *visit) setCookie(name, value string, lifetime time.Duration) {
	secure := v.Secure(v.r)
	cookie := &http.Cookie{ //nolint:gosec // Secure is set wherever the browser came by TLS; plain http is for loopback.
		Name: v.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
		MaxAge: int(lifetime / time.Second),
	}
	if lifetime < 0 {
		cookie.MaxAge = -1
	}
	http.SetCookie(v.w, cookie)
}

func (v *visit) cookieName(name string) string {
	if v.Secure(v.r) {
		return "__Host-" + name
	}
	return name
}

// sent returns a cookie's value, if it was sent exactly once.
func (v *visit) sent(name string) (value string, ok bool) {
	all := v.r.CookiesNamed(v.cookieName(name))
	if len(all) != 1 || all[0].Value == "" {
		return "", false
	}
	return all[0].Value, true
}
