package session

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// KeySize is the size of the keys that Keys returns, in bytes.
const KeySize = 32

// Keyring is what a store may offer that has keys of its own, which all who share its sessions have too.
type Keyring interface {
	// PurposeKeys derives keys of KeySize bytes for a purpose, the one to use first, then those that were in use before
	// it. None, and no error: this store has no keys.
	PurposeKeys(ctx context.Context, purpose string) ([][]byte, error)
}

// Keys derives keys for a purpose: for what a browser carries, so that no session has to be stored for it. The first
// one is to be used; what it made before may have been made with any of them. Where sessions are sealed the keys come
// from where the seal's come from, and are the same at each node and after each start; else they live as long as this
// Shared does. An error wraps ErrStore: the keys cannot be had now.
func (s *Shared) Keys(ctx context.Context, purpose string) ([][]byte, error) {
	if able, ok := s.store.store.(Keyring); ok {
		keys, err := able.PurposeKeys(ctx, purpose)
		if err != nil || len(keys) > 0 {
			return keys, failed("keys", err)
		}
	}
	key, err := hkdf.Expand(sha256.New, s.secret[:], purpose, KeySize)
	if err != nil {
		return nil, fmt.Errorf("%w: deriving a key: %w", ErrStore, err)
	}
	return [][]byte{key}, nil
}

// Keys is Shared.Keys, of the store that this manager's sessions are in.
func (m *Manager) Keys(ctx context.Context, purpose string) ([][]byte, error) {
	return m.shared.Keys(ctx, purpose)
}

func newSecret() (secret [KeySize]byte) {
	_, _ = rand.Read(secret[:]) // it never fails
	return secret
}
