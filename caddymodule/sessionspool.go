package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/session"
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

// sessionStores are the stores that are in use, over all configurations, by their settings and by where their key comes
// from.
var sessionStores = caddy.NewUsagePool()

// pooledSessions keeps nothing of the configuration that made it but for the keys, which it is pooled by.
type pooledSessions struct {
	store  closableStore
	shared *session.Shared
}

// Destruct closes the store when the last configuration that uses it is gone.
func (p *pooledSessions) Destruct() error { return p.store.Close() }

// sealedSessions is what guests have in common that keep sessions outside this process, each sealed with a key that
// comes from the secrets.
type sealedSessions struct {
	pooled *pooledSessions
	key    string
}

// connect takes the store of the configuration before this one, where it had the same settings and secrets, or a new
// one.
func (s *sealedSessions) connect(settings string, secrets Secrets, open func() (closableStore, error)) error {
	// A hash, because there may be a password in the settings, and Caddy writes the keys of a pool into errors.
	hash := sha256.Sum256([]byte(settings + "\x00" + secrets.Identity()))
	key := hex.EncodeToString(hash[:])
	value, _, err := sessionStores.LoadOrNew(key, func() (caddy.Destructor, error) {
		store, err := open()
		if err != nil {
			return nil, err
		}
		sealed := seal.New(store, secrets.SessionKeys(), seal.Options{Unreadable: func(err error) {
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

// Cleanup lets go of the store, if it was taken.
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
