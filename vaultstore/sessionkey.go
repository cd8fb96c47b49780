package vaultstore

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sallyport.example/sallyport/factor"
)

// Bounds of session keys.
const (
	// sessionKeySchema is the layout of the document.
	sessionKeySchema = 1
	// sessionKeySize is the key size of AES-256 and XChaCha20.
	sessionKeySize = 32
	// maxSessionKeys bounds the number of keys in the document.
	maxSessionKeys = 64
)

// SessionKey is one key that seals sessions at rest. Printing it shows its ID only.
type SessionKey struct {
	// ID numbers the keys from 1; sealed sessions name it.
	ID uint32
	// Key has 32 bytes.
	Key []byte
	// Created is when it was made, by the clock of the gateway that made it.
	Created time.Time
}

// String shows no secret.
func (k SessionKey) String() string { return fmt.Sprintf("vaultstore.SessionKey{%d}", k.ID) }

// GoString shows no secret.
func (k SessionKey) GoString() string { return k.String() }

type sessionKeyDocument struct {
	Schema int                `json:"schema"`
	Write  string             `json:"write"`
	Keys   []storedSessionKey `json:"keys"`
}

// storedSessionKey has either the key itself, in base64, or its form sealed by transit.
type storedSessionKey struct {
	ID      uint32    `json:"id"`
	Key     string    `json:"key,omitempty"`
	Sealed  string    `json:"sealed,omitempty"`
	Created time.Time `json:"created"`
}

// SessionKeys returns the keys that seal sessions at rest, the newest last: that one seals, all of them open. The first
// caller of all gateways makes the first key; check-and-set ensures that there is only one. An error says nothing about
// any session.
func (s *Store) SessionKeys(ctx context.Context) ([]SessionKey, error) {
	keys, _, err := s.sessionKeys(ctx)
	if !errors.Is(err, factor.ErrNotFound) {
		return keys, err
	}
	if _, err := s.addSessionKey(ctx, nil, 0); err != nil && !errors.Is(err, factor.ErrConflict) {
		return nil, err
	}
	keys, _, err = s.sessionKeys(ctx)
	return keys, err
}

// RotateSessionKey adds a new key, which seals from now on; gateways learn of it when they next ask. Keys that were
// replaced more than keep ago are dropped. Sessions that they sealed must be over by then, so keep must be longer than
// the longest lifetime of a session. The error is factor.ErrConflict if another rotation happened at the same time.
func (s *Store) RotateSessionKey(ctx context.Context, keep time.Duration, now time.Time) (SessionKey, error) {
	keys, number, err := s.sessionKeys(ctx)
	if err != nil && !errors.Is(err, factor.ErrNotFound) {
		return SessionKey{}, err
	}
	// A key was used until the next one was made.
	for len(keys) > 1 && now.Sub(keys[1].Created) > keep {
		keys = keys[1:]
	}
	if len(keys) >= maxSessionKeys {
		return SessionKey{}, errors.New("vaultstore: too many session keys are still in use")
	}
	return s.addSessionKey(ctx, keys, number)
}

func (s *Store) sessionKeyPlace() string { return s.path + "/" + sessionKeyName }

func (s *Store) sessionKeys(ctx context.Context) ([]SessionKey, int64, error) {
	if err := s.ready(ctx); err != nil {
		return nil, 0, err
	}
	found, err := s.engine.read(ctx, s.sessionKeyPlace())
	if err != nil {
		return nil, 0, err
	}
	var d *sessionKeyDocument
	if err := factor.DecodeStrictly(found.content, &d); err != nil || d == nil || d.Schema != sessionKeySchema || len(d.Keys) == 0 || len(d.Keys) > maxSessionKeys {
		return nil, 0, corrupt("the document of the session key is not one of this gateway")
	}
	keys := make([]SessionKey, 0, len(d.Keys))
	for _, k := range d.Keys {
		opened := SessionKey{ID: k.ID, Created: k.Created}
		switch {
		case k.Sealed == "":
			opened.Key, err = base64.StdEncoding.DecodeString(k.Key)
			if err != nil {
				return nil, 0, corrupt("a session key cannot be read")
			}
		case s.transit == nil:
			return nil, 0, corrupt("the session key is sealed with Vault's transit engine, but `transit` is not set")
		default:
			if opened.Key, err = s.transit.open(ctx, k.Sealed, sessionKeyAssociation(k.ID)); err != nil {
				return nil, 0, err
			}
		}
		if k.ID == 0 || len(opened.Key) != sessionKeySize {
			return nil, 0, corrupt("a session key has no number or another length")
		}
		keys = append(keys, opened)
	}
	return keys, found.number, nil
}

// addSessionKey writes the keys with a new one appended.
func (s *Store) addSessionKey(ctx context.Context, keys []SessionKey, number int64) (SessionKey, error) {
	added := SessionKey{ID: 1, Key: make([]byte, sessionKeySize), Created: time.Now().UTC().Truncate(time.Second)}
	if len(keys) > 0 {
		added.ID = keys[len(keys)-1].ID + 1
	}
	_, _ = rand.Read(added.Key) // never fails, see crypto/rand
	d := sessionKeyDocument{Schema: sessionKeySchema, Write: rand.Text()}
	for _, k := range append(keys[:len(keys):len(keys)], added) {
		out := storedSessionKey{ID: k.ID, Created: k.Created}
		if s.transit == nil {
			out.Key = base64.StdEncoding.EncodeToString(k.Key)
		} else {
			var err error
			if out.Sealed, err = s.transit.seal(ctx, k.Key, sessionKeyAssociation(k.ID)); err != nil {
				return SessionKey{}, err
			}
		}
		d.Keys = append(d.Keys, out)
	}
	written, err := s.engine.write(ctx, s.sessionKeyPlace(), d, number)
	if isUnclear(err) {
		written, err = s.judgeSessionKey(ctx, d.Write, err)
	}
	switch {
	case errors.Is(err, errNoCheckAndSet):
		return SessionKey{}, factor.ErrConflict
	case err != nil:
		return SessionKey{}, err
	}
	if number == 0 {
		if err := s.engine.describe(ctx, s.sessionKeyPlace(), map[string]string{"purpose": "seals sessions at rest"}); err != nil {
			s.logger.WarnContext(ctx, "the metadata of the session key could not be written", "error", err)
		}
	} else if err := s.engine.purge(ctx, s.sessionKeyPlace(), written.number); err != nil {
		s.logger.WarnContext(ctx, "older versions of the session key could not be destroyed", "error", err)
	}
	return added, nil
}

// judgeSessionKey finds out whether a write whose answer was lost was made; it returns the error of that write if not.
func (s *Store) judgeSessionKey(ctx context.Context, write string, lost error) (stored, error) {
	found, err := s.engine.read(context.WithoutCancel(ctx), s.sessionKeyPlace())
	var d *sessionKeyDocument
	if err != nil || factor.DecodeStrictly(found.content, &d) != nil || d == nil || d.Write != write {
		return stored{}, lost
	}
	return found, nil
}

func sessionKeyAssociation(id uint32) []byte {
	return association("sallyport session key", strconv.FormatUint(uint64(id), 10))
}
