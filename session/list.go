package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/gate"
)

// MaxSummaries is how many sessions of one user are listed, the ones used last.
const MaxSummaries = 8

// Summary is what a user may see of a session of his own.
type Summary struct {
	// ID names the session to DestroyOne, for as long as its token does not change. It is worth nothing as a token.
	ID string
	// Current says that it is the session that asks.
	Current bool
	// State is how far it has come.
	State gate.State
	// Method is what it was verified with; empty until then.
	Method string
	// Address and Browser are where the login came from; empty when unknown.
	Address, Browser string
	// Since is when the present state began, Seen when it was last in use, to the minute.
	Since, Seen time.Time
}

// List returns the sessions of an identity in this app in which a login has been made, the one with token first, then
// the one used last. It goes over the whole store only where that has no index. An error wraps ErrStore.
func (m *Manager) List(ctx context.Context, identity, token string) ([]Summary, error) {
	current := ""
	if wellFormed(token) {
		current = storeKey(token)
	}
	var found []Summary
	seen := make(map[string]bool)
	err := m.eachOf(ctx, identity, func(key string, stored []byte) {
		data, deadline, err := decode(stored)
		if err != nil || !m.alive(data, deadline) || seen[key] {
			return
		}
		seen[key] = true
		found = append(found, Summary{
			ID: summaryID(key), Current: key == current, State: data.State, Method: data.Method(),
			Address: data.from().Address, Browser: data.from().Browser, Since: data.Since, Seen: data.Seen,
		})
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b Summary) int {
		switch {
		case a.Current != b.Current && a.Current:
			return -1
		case a.Current != b.Current:
			return 1
		}
		return b.Seen.Compare(a.Seen)
	})
	return found[:min(len(found), MaxSummaries)], nil
}

// DestroyOne ends one session of an identity in this app, by the ID that List gave. It reports whether there was one.
// An error wraps ErrStore.
func (m *Manager) DestroyOne(ctx context.Context, identity, id string) (found bool, err error) {
	name := ""
	err = m.eachOf(ctx, identity, func(key string, _ []byte) {
		if subtle.ConstantTimeCompare([]byte(summaryID(key)), []byte(id)) == 1 {
			name = key
		}
	})
	if err != nil || name == "" {
		return false, err
	}
	if err := m.shared.store.DeleteCtx(ctx, name); err != nil {
		return false, fmt.Errorf("end a session: %w", err)
	}
	return true, nil
}

// eachOf visits the sessions of an identity in this app in which a login has been made, by their names in the store.
// Those that a version before the index stored are not among them; no Manager of this one would take them.
func (m *Manager) eachOf(ctx context.Context, identity string, visit func(key string, stored []byte)) error {
	return m.shared.store.owned(ctx, ownerOf(m.config.App, identity), m.ifOf(identity, visit))
}

// ifOf passes on what is a session of an identity in this app in which a login has been made.
func (m *Manager) ifOf(identity string, visit func(key string, stored []byte)) func(key string, stored []byte) error {
	return func(key string, stored []byte) error {
		state, app, owner, ok := peek(stored)
		if ok && state != gate.Anonymous && string(app) == m.config.App && string(owner) == identity {
			visit(key, stored)
		}
		return nil
	}
}

// summaryID is a name for a list. Not the store's own, which whoever reads the store could be asked for.
func summaryID(key string) string {
	sum := sha256.Sum256([]byte("sallyport session in a list\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
