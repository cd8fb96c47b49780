package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/observed"
	"sallyport.example/sallyport/session/store/seal"
)

// closableStore is a store of sessions that outlives a configuration.
type closableStore interface {
	session.Store
	// String names the place, without a password.
	String() string
	Ping(ctx context.Context) error
	Close() error
}

// sessionStores are the session stores of all configurations, by their settings and by the source of their key.
var sessionStores = caddy.NewUsagePool()

// pooledSessions keeps nothing of the configuration that made it except the keys, which are part of its pool key.
type pooledSessions struct {
	store  closableStore
	shared *session.Shared
}

// Destruct closes the store once no configuration uses it any more.
func (p *pooledSessions) Destruct() error { return p.store.Close() }

// sealedSessions is the common part of guests that keep sessions outside this process. Each session is sealed with a
// key from the secrets.
type sealedSessions struct {
	pooled *pooledSessions
	key    string
}

// connect takes over the previous configuration's store if its settings and secrets are equal, or makes a new one.
func (s *sealedSessions) connect(settings string, secrets Secrets, open func() (closableStore, error)) error {
	// A hash, because the settings may contain a password, and Caddy writes the keys of a pool into errors.
	hash := sha256.Sum256([]byte(settings + "\x00" + secrets.Identity()))
	key := hex.EncodeToString(hash[:])
	value, _, err := sessionStores.LoadOrNew(key, func() (caddy.Destructor, error) {
		store, err := open()
		if err != nil {
			return nil, err
		}
		sealed := seal.New(observed.New(store, sessionsMeter), secrets.SessionKeys(), seal.Options{Unreadable: func(err error) {
			if errors.Is(err, seal.ErrDamaged) {
				forwardLog.WarnContext(context.Background(), "a stored session cannot be opened; its owner has to sign in again", "error", err)
			}
		}})
		return &pooledSessions{store: store, shared: session.NewShared(session.NewRecent(sealed, nil))}, nil
	})
	if err != nil {
		return err
	}
	s.pooled, s.key = value.(*pooledSessions), key
	return nil
}

// Cleanup releases the store, if it was taken.
func (s *sealedSessions) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := sessionStores.Delete(s.key)
	return err
}

// Shared is the store of sessions.
func (s *sealedSessions) Shared() *session.Shared { return s.pooled.shared }
