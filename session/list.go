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

// MaxSummaries is how many sessions of one user are listed, the most recently used ones.
const MaxSummaries = 8

// Summary is what users may see of one of their own sessions.
type Summary struct {
	// ID names the session to DestroyOne while its token does not change. It cannot be used as a token.
	ID string
	// Current marks the session that asked for the list.
	Current bool
	// State is the session's state.
	State gate.State
	// Method is how it was verified; empty until then.
	Method string
	// Address and Browser say where the login came from; empty if unknown.
	Address, Browser string
	// Created is when the session began, Since when the current state did, Seen when it was last in use, to the minute.
	Created, Since, Seen time.Time
}

// List returns the sessions of an identity in this app in which a login was made: the one with token first, then by
// last use. It walks over the whole store only if the store has no index. An error wraps ErrStore.
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
			Address: data.from().Address, Browser: data.from().Browser, Created: data.Created, Since: data.Since, Seen: data.Seen,
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

// DestroyOne ends one session of an identity in this app, by its ID from List. It reports whether there was one. An
// error wraps ErrStore.
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

// eachOf visits the sessions of an identity in this app in which a login was made, by their names in the store. It
// leaves out sessions from a version before the index, which no Manager of this version accepts.
func (m *Manager) eachOf(ctx context.Context, identity string, visit func(key string, stored []byte)) error {
	return m.shared.store.owned(ctx, ownerOf(m.config.App, identity), m.ifOf(identity, visit))
}

// ifOf calls visit for sessions of an identity in this app in which a login was made.
func (m *Manager) ifOf(identity string, visit func(key string, stored []byte)) func(key string, stored []byte) error {
	return func(key string, stored []byte) error {
		state, app, owner, ok := peek(stored)
		if ok && state != gate.Anonymous && string(app) == m.config.App && string(owner) == identity {
			visit(key, stored)
		}
		return nil
	}
}

// Count calls visit with the app and the state of each live session. It walks over the whole store, so it is not for
// requests; it ends when ctx does. A session that moves to another token meanwhile may be counted twice.
func (s *Shared) Count(ctx context.Context, visit func(app string, state gate.State)) error {
	apps := make(map[string]string) // one string for each app, not for each session
	return s.store.each(ctx, func(_ string, stored []byte) error {
		state, app, _, ok := peek(stored)
		if !ok {
			return ctx.Err()
		}
		name, known := apps[string(app)]
		if !known {
			name = string(app)
			apps[name] = name
		}
		visit(name, state)
		return ctx.Err()
	})
}

// summaryID returns a session's ID in a list. It differs from the session's name in the store.
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
// session in which a login was made, whatever its state. A session that is being renewed meanwhile does not escape: the
// store is asked until no other session is left. It walks over the whole store only if the store has no index, or holds
// sessions from before the index, which nodes that were not upgraded yet may accept.
//
// An error wraps ErrStore. Sessions may be left then, and the caller should say so or try again.
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
	// The order matters: a session from before the index that is stored again moves into the index, so one of the two
	// finds it.
	if err = m.shared.store.unlabelled(ctx, m.ifOf(identity, note)); err == nil {
		err = m.shared.store.ownedNow(ctx, ownerOf(m.config.App, identity), m.ifOf(identity, note))
	}
	if err != nil {
		return 0, err
	}
	// The deletions run concurrently: a session that is renewed between listing and deletion escapes to the next pass,
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

// MaxStrangers is the default number of anonymous sessions in a store. One more ends the oldest of them: strangers can
// cost each other their sessions, and nobody else anything.
const MaxStrangers = 10_000

// Owner stands for an account of an app in a store, and reveals neither of them. A seal replaces it by one of its own,
// made with a key. The zero Owner is nobody.
type Owner [16]byte

// ownerOf returns the Owner of an account. If two accounts had the same Owner it would do no harm: a search for the
// sessions of one of them compares the names.
func ownerOf[T string | []byte](app, identity T) (owner Owner) {
	const purpose = "sallyport sessions of an account\x00"
	text := make([]byte, 0, 128)
	text = binary.AppendUvarint(append(text, purpose...), uint64(len(app)))
	sum := sha256.Sum256(append(append(text, app...), identity...))
	copy(owner[:], sum[:])
	return owner
}

// Label says to whom a session belongs, for a store, which cannot read its value. The store gets it from the context of
// the call that stores the session (LabelOf). The zero Label says nothing: it is that of sessions stored by a version
// of the gateway without labels.
type Label struct {
	// Owner is the account that a login was made to; zero in a stranger's session.
	Owner Owner
	// Stranger says that the session is anonymous.
	Stranger bool
}

type labelKey struct{}

// WithLabel returns a context with the label of the session that is stored with it.
func WithLabel(ctx context.Context, label Label) context.Context {
	return context.WithValue(ctx, labelKey{}, label)
}

// LabelOf returns the label of the session that is stored with a context.
func LabelOf(ctx context.Context) Label {
	label, _ := ctx.Value(labelKey{}).(Label)
	return label
}

// labelFor returns the label of an encoded session.
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
	// may keep. A session that stays so during the call is visited even if it moves to another token, or from one of
	// these owners to another: under at least one of its tokens. Others may be visited too. An error of visit ends the
	// walk and is returned unchanged. visit must not use the store.
	//
	// A seal has a name of its own for an owner with each of its keys, and may not know a key yet that other nodes
	// already use. Its OwnedNowCtx does not miss their sessions.
	OwnedCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error
	// UnlabelledCtx does the same for live sessions that a version from before the index stored without a label. If
	// there are none it costs little.
	UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error
}

// ownedNow calls the index's OwnedNowCtx, if it has one.
func ownedNow(ctx context.Context, index Index, owners []Owner, visit func(token string, stored []byte) error) error {
	able, ok := index.(interface {
		OwnedNowCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error
	})
	if !ok {
		return index.OwnedCtx(ctx, owners, visit)
	}
	return able.OwnedNowCtx(ctx, owners, visit)
}
