package seal_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/seal"
	"sallyport.example/sallyport/session/store/seal/sealtest"
	"sallyport.example/sallyport/session/storetest"
)

// labels is a store that records the labels that it gets.
type labels struct {
	session.Store
	seen []session.Label
}

func (l *labels) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	l.seen = append(l.seen, session.LabelOf(ctx))
	return l.Store.SwapCtx(ctx, token, expected, stored, expiry)
}

// TestP9_OwnersAreSealed: a thief reads the store, and tries the names of accounts that he knows or guesses. Without
// the key he finds none of them.
func TestP9_OwnersAreSealed(t *testing.T) {
	noted := func(store *labels, over session.Store) session.Label {
		t.Helper()
		manager := session.NewShared(over).Manager(session.Config{App: "wiki"})
		if _, err := storetest.Create(t.Context(), manager, session.Data{State: gate.Verified, Identity: "alice"}); err != nil {
			t.Fatal(err)
		}
		return store.seen[len(store.seen)-1]
	}
	bare := &labels{Store: newMemory(t)}
	plain := noted(bare, bare)
	behind := &labels{Store: newMemory(t)}
	sealed := noted(behind, seal.New(behind, sealtest.NewKeys(), seal.Options{}))
	again := noted(behind, seal.New(behind, sealtest.NewKeys(), seal.Options{}))
	rotated := sealtest.NewKeys()
	rotated.Add(2)
	other := noted(behind, seal.New(behind, rotated, seal.Options{}))
	if none := (session.Owner{}); plain.Owner == none || sealed.Owner == none || sealed.Owner == plain.Owner {
		t.Errorf("without the seal %x, behind it %x", plain.Owner, sealed.Owner)
	}
	if sealed != again || other.Owner == sealed.Owner {
		t.Errorf("%x, the same again %x, with another key %x", sealed.Owner, again.Owner, other.Owner)
	}
	manager := session.NewShared(seal.New(behind, rotated, seal.Options{})).Manager(session.Config{App: "wiki"})
	if _, err := storetest.Create(t.Context(), manager, session.Data{}); err != nil {
		t.Fatal(err)
	}
	if got := behind.seen[len(behind.seen)-1]; got != (session.Label{Stranger: true}) {
		t.Errorf("a stranger's label is %v", got)
	}
}

// TestP8_RevocationWhileKeysChange: one node already seals with a new key that the other node has not read yet. A
// change of factors at the other node must end the sessions of both keys.
func TestP8_RevocationWhileKeysChange(t *testing.T) {
	memory := newMemory(t)
	published := sealtest.NewKeys()
	node := func() *session.Manager {
		store := seal.New(memory, seal.NewCached(published.Refresh, time.Hour, time.Second), seal.Options{})
		return session.NewShared(session.NewRecent(store, nil)).Manager(session.Config{App: "wiki"})
	}
	create := func(m *session.Manager) string {
		t.Helper()
		token, err := storetest.Create(t.Context(), m, session.Data{State: gate.Verified, Identity: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	slow := node()
	before := create(slow)
	published.Add(2)
	quick := node()
	after := create(quick)
	if listed, err := quick.List(t.Context(), "alice", ""); err != nil || len(listed) != 2 {
		t.Errorf("%d are listed, %v", len(listed), err)
	}
	if err := slow.DestroyOthers(t.Context(), "alice", ""); err != nil {
		t.Fatal(err)
	}
	for what, token := range map[string]string{"before": before, "after": after} {
		if data, err := quick.LoadNow(t.Context(), token); err != nil || data != nil {
			t.Errorf("sealed %s: %v, %v", what, data, err)
		}
	}
	// If the store of secrets is not available, the search must be an error.
	published.FailRefresh(errors.New("sealed"))
	create(quick)
	if err := slow.DestroyOthers(t.Context(), "alice", ""); !errors.Is(err, session.ErrStore) {
		t.Errorf("%v, want ErrStore", err)
	}
	// Signing in still works.
	create(quick)
}

// TestPurposeKeys: nodes with the same ring have the same keys. Each purpose has keys of its own, and none of them is a
// sealing key.
func TestPurposeKeys(t *testing.T) {
	keys := sealtest.NewKeys()
	store := seal.New(newMemory(t), keys, seal.Options{})
	of := func(store *seal.Store, purpose string) [][]byte {
		t.Helper()
		derived, err := session.NewShared(session.NewRecent(store, nil)).Keys(t.Context(), purpose)
		if err != nil || len(derived) == 0 || len(derived[0]) != session.KeySize {
			t.Fatalf("%d keys, %v", len(derived), err)
		}
		return derived
	}
	first := of(store, "a")
	if other := of(seal.New(newMemory(t), sealtest.NewKeys(), seal.Options{}), "a"); !bytes.Equal(first[0], other[0]) || len(first) != 1 {
		t.Error("two nodes have two keys")
	}
	if bytes.Equal(first[0], of(store, "b")[0]) || bytes.Equal(first[0], sealtest.Key(1)) {
		t.Error("one key for two purposes")
	}
	keys.Add(2)
	if _, err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := of(store, "a"); len(all) != 2 || bytes.Equal(all[0], first[0]) || !bytes.Equal(all[1], first[0]) {
		t.Errorf("%d keys after a change, want the new one first", len(all))
	}
	keys.Fail(errors.New("sealed"))
	if derived, err := session.NewShared(store).Keys(t.Context(), "a"); !errors.Is(err, session.ErrStore) || derived != nil {
		t.Errorf("%v, want ErrStore", err)
	}
}
