package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sallyport.example/sallyport/gate"
)

// MaxSummaries is how many sessions of one user are listed, the ones used last.
const MaxSummaries = 8

// Summary is what a user may see of one of the user's own sessions.
type Summary struct {
	// ID names the session to DestroyOne while its token does not change. It cannot be used as a token.
	ID string
	// Current marks the session that asked for the list.
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

// summaryID is a session's name in a list. It differs from its name in the store.
func summaryID(key string) string {
	sum := sha256.Sum256([]byte("sallyport session in a list\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// revokePasses bounds the passes over the store. A second pass finds what was renewed during the first; more are needed
// only if somebody keeps signing in meanwhile.
const revokePasses = 25

// revokeWorkers is how many sessions are ended at the same time.
const revokeWorkers = 16

// DestroyOthers ends all sessions of an identity in this app, except the one with keepToken (which may be empty): every
// session that a login has been made in, whatever its state. A session that is being renewed meanwhile does not escape:
// the store is asked until no other session is left. It goes over the whole store only where that has no index, or
// holds sessions from before the index, which nodes that were not replaced yet may take for good.
//
// An error wraps ErrStore: sessions may be left then, and the caller should say so or try again.
func (m *Manager) DestroyOthers(ctx context.Context, identity, keepToken string) error {
	keep := ""
	if wellFormed(keepToken) {
		keep = storeKey(keepToken)
	}
	for range revokePasses {
		found, err := m.destroyOthersOnce(ctx, identity, keep)
		if err != nil || found == 0 {
			return err
		}
	}
	return fmt.Errorf("%w: sessions were renewed faster than they could be ended", ErrStore)
}

func (m *Manager) destroyOthersOnce(ctx context.Context, identity, keep string) (found int, err error) {
	// All names are collected before the first deletion, because not every store can be changed while it is walked
	// over.
	var names []string
	note := func(key string, _ []byte) {
		if key != keep && !slices.Contains(names, key) {
			names = append(names, key)
		}
	}
	// The order matters: a session from before the index that is stored anew moves into the index, so it is found by
	// one of the two.
	if err = m.shared.store.unlabelled(ctx, m.ifOf(identity, note)); err == nil {
		err = m.shared.store.ownedNow(ctx, ownerOf(m.config.App, identity), m.ifOf(identity, note))
	}
	if err != nil {
		return 0, err
	}
	// The deletions run side by side: a session that is renewed between listing and deletion escapes to the next pass,
	// so they must not wait for each other.
	var group sync.WaitGroup
	errs := make([]error, min(len(names), revokeWorkers))
	for worker := range errs {
		group.Go(func() {
			for i := worker; i < len(names) && errs[worker] == nil; i += len(errs) {
				errs[worker] = m.shared.store.DeleteCtx(ctx, names[i])
			}
		})
	}
	group.Wait()
	return len(names), errors.Join(errs...)
}

// MaxStrangers is how many anonymous sessions a store keeps unless it is told otherwise. One more ends the oldest of
// them: strangers can cost each other their sessions, and nobody else anything.
const MaxStrangers = 10_000

// Owner names an account of an app to a store, which learns neither from it; a seal makes another one of it, with a
// key. The zero Owner is nobody.
type Owner [16]byte

// ownerOf is the Owner of an account. Two accounts with one Owner would do no harm: who looks for the sessions of one
// of them compares the names.
func ownerOf[T string | []byte](app, identity T) (owner Owner) {
	const purpose = "sallyport sessions of an account\x00"
	text := make([]byte, 0, 128)
	text = binary.AppendUvarint(append(text, purpose...), uint64(len(app)))
	sum := sha256.Sum256(append(append(text, app...), identity...))
	copy(owner[:], sum[:])
	return owner
}

// Label is what a store is told of a session, since it cannot read its value: whose it is, or that it is a stranger's.
// It comes with the context of whatever stores the session (LabelOf). The zero Label says nothing: so are sessions
// labelled that a version of the gateway stored which knew no labels.
type Label struct {
	// Owner is the account that a login was made to; zero in a stranger's session.
	Owner Owner
	// Stranger says that the session is anonymous.
	Stranger bool
}

type labelKey struct{}

// WithLabel returns a context that has the label for the session which is stored with it.
func WithLabel(ctx context.Context, label Label) context.Context {
	return context.WithValue(ctx, labelKey{}, label)
}

// LabelOf is the label of the session that is stored with a context.
func LabelOf(ctx context.Context) Label {
	label, _ := ctx.Value(labelKey{}).(Label)
	return label
}

// labelFor is the label of an encoded session.
func labelFor(stored []byte) Label {
	state, app, identity, ok := peek(stored)
	switch {
	case !ok:
		return Label{}
	case state == gate.Anonymous:
		return Label{Stranger: true}
	}
	return Label{Owner: ownerOf(app, identity)}
}

// Index finds the sessions of one account without going over all of them.
type Index interface {
	// OwnedCtx calls visit for each live session that was stored last with one of these owners, with bytes that visit
	// may keep. One that is so all the while is visited, also if it moves to another token, or from one of these owners
	// to another: under one of the two tokens at least. Others may be visited too. An error of visit ends it and is
	// returned as it is. visit must not use the store.
	//
	// A seal, which has a name of its own for each owner, may have read lately only under which names sessions are
	// stored at other nodes. Its OwnedNowCtx makes sure of them.
	OwnedCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error
	// UnlabelledCtx does so for the live sessions that were stored without a label, by a version from before the index.
	// Where there are none it costs little.
	UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error
}

// ownedNow is the index's OwnedNowCtx, where it has one.
func ownedNow(ctx context.Context, index Index, owners []Owner, visit func(token string, stored []byte) error) error {
	able, ok := index.(interface {
		OwnedNowCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error
	})
	if !ok {
		return index.OwnedCtx(ctx, owners, visit)
	}
	return able.OwnedNowCtx(ctx, owners, visit)
}
