package session

import (
	"context"
	"errors"
	"testing"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
)

var errAway = errors.New("the store is away")

// halfAway is a store that works except for what is set here.
type halfAway struct {
	*Memory
	unlabelled, keys error
	ring             [][]byte
}

func (h *halfAway) UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	if h.unlabelled != nil {
		return h.unlabelled
	}
	return h.Memory.UnlabelledCtx(ctx, visit)
}

func (h *halfAway) PurposeKeys(context.Context, string) ([][]byte, error) { return h.ring, h.keys }

func newHalfAway(t *testing.T) (*halfAway, *Manager) {
	t.Helper()
	memory := NewMemory(MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	store := &halfAway{Memory: memory}
	return store, NewShared(store).Manager(Config{App: "ledger"})
}

// TestP8_SessionsThatCannotBeListed: if the store cannot list the sessions that its index lacks, some that were to end
// may be left, and the caller that ends them is told so.
func TestP8_SessionsThatCannotBeListed(t *testing.T) {
	store, manager := newHalfAway(t)
	token, err := manager.create(t.Context(), &Data{State: gate.Verified, Identity: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	store.unlabelled = errAway
	if err := manager.DestroyOthers(t.Context(), "alice", ""); !errors.Is(err, ErrStore) {
		t.Errorf("the sessions are ended, it says: %v", err)
	}
	store.unlabelled = nil
	if err := manager.DestroyOthers(t.Context(), "alice", ""); err != nil {
		t.Errorf("the control: %v", err)
	}
	if data, err := manager.Load(t.Context(), token); data != nil || err != nil {
		t.Errorf("it is alive: %v", err)
	}
}

// TestKeysOfAStore: if the store has keys, they are used. If they cannot be had, there are none: what the process's own
// keys seal, no other node could read. A store without keys uses those of the process.
func TestKeysOfAStore(t *testing.T) {
	store, manager := newHalfAway(t)
	first, err := manager.Keys(t.Context(), "purpose")
	again, _ := manager.Keys(t.Context(), "purpose")
	other, _ := manager.Keys(t.Context(), "another")
	if err != nil || len(first) != 1 || len(first[0]) != KeySize || string(first[0]) != string(again[0]) || string(first[0]) == string(other[0]) {
		t.Errorf("those of the process: %d, %v", len(first), err)
	}
	store.ring = [][]byte{make([]byte, KeySize), make([]byte, KeySize)}
	if keys, err := manager.Keys(t.Context(), "purpose"); err != nil || len(keys) != 2 {
		t.Errorf("those of the store: %d, %v", len(keys), err)
	}
	store.ring, store.keys = nil, errAway
	if keys, err := manager.Keys(t.Context(), "purpose"); !errors.Is(err, ErrStore) || len(keys) != 0 {
		t.Errorf("the store is away: %d, %v", len(keys), err)
	}
}

// TestBeginIsLawful: a session begins as a stranger's, so a step that needs a user's session begins none.
func TestBeginIsLawful(t *testing.T) {
	store, manager := newHalfAway(t)
	if _, err := manager.Begin(t.Context(), "host", start, Hold(Cookies{}, custody.Jar{}, true)); !errors.Is(err, ErrUnlawful) {
		t.Errorf("%v", err)
	}
	count := 0
	if err := store.EachCtx(t.Context(), func(string, []byte) error { count++; return nil }); err != nil || count != 0 {
		t.Errorf("%d sessions, %v", count, err)
	}
	for _, step := range []Step{ForgetGuest(), TakeNotice()} {
		taken, err := manager.Begin(t.Context(), "host", manager.config.Now(), step)
		if data, _ := manager.Load(t.Context(), taken.Token); err != nil || data == nil || data.Host != "host" {
			t.Errorf("%s: %v", step, err)
		}
	}
}
