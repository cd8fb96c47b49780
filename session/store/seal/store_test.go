package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/seal"
	"sallyport.example/sallyport/session/store/seal/sealtest"
	"sallyport.example/sallyport/session/storetest"
)

func newMemory(t testing.TB) *session.Memory {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	return memory
}

func mustCommit(t testing.TB, store session.Store, value string) (token string) {
	t.Helper()
	token = storetest.Token()
	if err := store.Commit(token, []byte(value), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return token
}

// want requires that the token's session is exactly this, in each way of reading it; empty means none.
func want(t testing.TB, store session.Store, token, value string) {
	t.Helper()
	got, found, err := store.FindCtx(context.Background(), token)
	again, version, foundAgain, errAgain := store.FindVersionCtx(context.Background(), token)
	listed := ""
	errList := store.EachCtx(context.Background(), func(name string, stored []byte) error {
		if name == token {
			listed = string(stored)
		}
		return nil
	})
	if err := errors.Join(err, errAgain, errList); err != nil {
		t.Errorf("%v", err)
	}
	if string(got) != value || string(again) != value || listed != value ||
		found != (value != "") || foundAgain != found || found != (version != session.Version{}) {
		t.Errorf("found %q, with its version %q, listed %q; want %q", got, again, listed, value)
	}
}

// TestConformance: the suite of all stores, with the keys changing at each write.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *storetest.Body {
		clock := storetest.NewClock()
		memory := session.NewMemory(session.MemoryOptions{Now: clock.Now, Strangers: 6400})
		t.Cleanup(func() { _ = memory.Close() })
		keys := sealtest.NewKeys()
		keys.Add(2)
		return &storetest.Body{
			// Two nodes with caches of their own.
			Open: func() session.Store {
				return seal.New(memory, seal.NewCached(keys.Refresh, time.Hour, time.Second), seal.Options{Unreadable: func(err error) {
					t.Errorf("unreadable: %v", err)
				}})
			},
			Now:     clock.Now,
			Advance: clock.Advance, Strangers: 6400, OwnTombstones: true,
			Stored: func() int {
				memory.Sweep()
				return memory.Len() + memory.Tombstones()
			},
		}
	})
}

// TestP9_NothingIsReadable: the store behind the seal can read nothing, and the same value gives different sealed bytes
// each time.
func TestP9_NothingIsReadable(t *testing.T) {
	memory := newMemory(t)
	store := seal.New(memory, sealtest.NewKeys(), seal.Options{})
	manager := session.NewShared(store).Manager(session.Config{App: "secret-app", MaxVerified: 1000})
	data := session.Data{State: gate.Verified, Identity: "secret-user", Errand: session.Errand{Next: "/secret-page"}, Granted: []string{"secret-cookie"}}
	seen := map[string]bool{}
	for range 100 {
		if _, err := storetest.Create(t.Context(), manager, data); err != nil {
			t.Fatal(err)
		}
		mustCommit(t, store, "secret value")
	}
	all, err := memory.All()
	if err != nil || len(all) != 200 {
		t.Fatalf("%d values, %v", len(all), err)
	}
	for _, stored := range all {
		if bytes.Contains(stored, []byte("secret")) {
			t.Fatal("something can be read")
		}
		nonce := string(stored[5:29])
		if seen[nonce] {
			t.Fatal("a nonce was used twice")
		}
		seen[nonce] = true
	}
}

// TestKeysChange: the keys change while users are signed in. Their sessions go on, also at a node that has not read the
// new key yet, and, for those who were active, after the old key was removed.
func TestKeysChange(t *testing.T) {
	memory, keys := newMemory(t), sealtest.NewKeys()
	store := seal.New(memory, keys, seal.Options{})
	idle, active := mustCommit(t, store, "idle"), mustCommit(t, store, "active")
	keys.Add(2)
	want(t, store, idle, "idle")
	// Another node has the new key already.
	fresh := sealtest.NewKeys()
	fresh.Add(2)
	other := seal.New(memory, fresh, seal.Options{})
	want(t, other, idle, "idle")
	_, version, _, err := other.FindVersionCtx(t.Context(), active)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SwapCtx(t.Context(), active, version, []byte("still active"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if keys.Refreshes() != 0 {
		t.Error("the ring was read afresh without need")
	}
	want(t, store, active, "still active")
	if keys.Refreshes() != 1 {
		t.Errorf("the ring was read afresh %d times", keys.Refreshes())
	}
	keys.Remove(1)
	if _, err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, store, active, "still active")
	want(t, store, idle, "")
}

// TestP6_KeysUnavailable: without the ring every session is an error, and never "no such session"; nothing is stored
// unsealed. Ending a session still works.
func TestP6_KeysUnavailable(t *testing.T) {
	memory, keys := newMemory(t), sealtest.NewKeys()
	store := seal.New(memory, keys, seal.Options{Unreadable: func(err error) { t.Errorf("unreadable: %v", err) }})
	manager := session.NewShared(store).Manager(session.Config{App: "wiki"})
	token, err := storetest.Create(t.Context(), manager, session.Data{State: gate.Verified, Identity: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	raw := mustCommit(t, store, "x")
	_, version, _, err := store.FindVersionCtx(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("vault is sealed")
	keys.Fail(down)
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, session.ErrStore) || !errors.Is(err, down) || errors.Is(err, session.ErrGone) {
			t.Errorf("%s: %v, want ErrStore", what, err)
		}
	}
	data, err := manager.Load(t.Context(), token)
	check("Load", err)
	if data != nil {
		t.Error("a session beside an error")
	}
	_, err = storetest.Create(t.Context(), manager, session.Data{})
	check("Create", err)
	_, err = storetest.Update(t.Context(), manager, token, func(*session.Data) error { return nil })
	check("Update", err)
	_, _, err = storetest.Renew(t.Context(), manager, token, func(*session.Data) error { return nil })
	check("Renew", err)
	check("DestroyOthers", manager.DestroyOthers(t.Context(), "alice", ""))
	expiry := time.Now().Add(time.Hour)
	for what, err := range map[string]error{
		"commit": store.Commit(storetest.Token(), []byte("x"), expiry),
		"swap":   store.SwapCtx(t.Context(), raw, version, []byte("y"), expiry),
		"move":   store.MoveCtx(t.Context(), raw, version, storetest.Token(), []byte("y"), expiry),
		"ping":   store.Ping(t.Context()),
	} {
		if !errors.Is(err, down) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if memory.Len() != 2 {
		t.Errorf("%d sessions are stored", memory.Len())
	}
	if err := store.Delete(raw); err != nil {
		t.Error(err)
	}
	keys.Fail(nil)
	want(t, store, raw, "")
	if data, err := manager.Load(t.Context(), token); err != nil || data == nil || data.State != gate.Verified {
		t.Errorf("with the ring back: %v, %v", data, err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestP6_RefreshFails: another node seals with a key that this one cannot read, because the store of secrets is not
// available. Those sessions are errors and not gone, and the others go on. The store of secrets is not asked for each
// request meanwhile.
func TestP6_RefreshFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := session.NewMemory(session.MemoryOptions{})
		defer memory.Close()
		keys, newer := sealtest.NewKeys(), sealtest.NewKeys()
		newer.Add(2)
		store, other := seal.New(memory, keys, seal.Options{}), seal.New(memory, newer, seal.Options{})
		old, fresh := mustCommit(t, store, "old"), mustCommit(t, other, "fresh")
		down := errors.New("connection refused")
		keys.FailRefresh(down)
		for range 50 {
			if _, found, err := store.Find(fresh); !errors.Is(err, down) || found {
				t.Errorf("%v, %v; want an error", found, err)
			}
		}
		if keys.Refreshes() != 1 {
			t.Errorf("asked %d times", keys.Refreshes())
		}
		if _, found, err := store.Find(old); err != nil || !found {
			t.Errorf("%v, %v", found, err)
		}
		time.Sleep(time.Second)
		keys.FailRefresh(nil)
		keys.Add(2)
		want(t, store, fresh, "fresh")
	})
}

// TestP6_UnknownKey: the ring is available and does not have the key that a value names. Then there is no such session,
// and the ring is not read again for each request that brings such a token.
func TestP6_UnknownKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := session.NewMemory(session.MemoryOptions{})
		defer memory.Close()
		keys, gone := sealtest.NewKeys(), sealtest.NewKeys()
		gone.Add(7)
		var unreadable atomic.Int32
		store := seal.New(memory, keys, seal.Options{Unreadable: func(err error) {
			if !errors.Is(err, seal.ErrUnknownKey) {
				t.Error(err)
			}
			unreadable.Add(1)
		}})
		token := mustCommit(t, seal.New(memory, gone, seal.Options{}), "x")
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, found, err := store.Find(token); err != nil || found {
					t.Errorf("%v, %v", found, err)
				}
			})
		}
		group.Wait()
		if keys.Refreshes() != 1 || unreadable.Load() != 50 {
			t.Errorf("asked %d times, told %d times", keys.Refreshes(), unreadable.Load())
		}
		// The value cannot be changed or claimed either.
		if err := store.SwapCtx(t.Context(), token, session.Version{}, []byte("mine"), time.Now().Add(time.Hour)); !errors.Is(err, session.ErrGone) {
			t.Errorf("%v, want ErrGone", err)
		}
		// If an operator puts back a key that was removed too early, its sessions are found again.
		keys.Add(7)
		time.Sleep(11 * time.Second)
		want(t, store, token, "x")
	})
}

// TestP5_MovedValues: an attacker who can write to the store copies another user's value to his own token.
func TestP5_MovedValues(t *testing.T) {
	memory := newMemory(t)
	store := seal.New(memory, sealtest.NewKeys(), seal.Options{})
	alice, mallory := mustCommit(t, store, "alice"), mustCommit(t, store, "mallory")
	stolen, _, err := memory.Find(alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := memory.Commit(mallory, stolen, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	want(t, store, mallory, "")
	want(t, store, alice, "alice")
	fresh := storetest.Token()
	_, version, _, _ := store.FindVersionCtx(t.Context(), alice)
	if err := store.MoveCtx(t.Context(), alice, version, fresh, []byte("renewed"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	want(t, store, fresh, "renewed")
}

// TestP6_DamageIsNoSession: a stored value with any bit changed, or with its end cut off, is no session.
func TestP6_DamageIsNoSession(t *testing.T) {
	memory := newMemory(t)
	store := seal.New(memory, sealtest.NewKeys(), seal.Options{})
	token := mustCommit(t, store, "value")
	stored, _, err := memory.Find(token)
	if err != nil {
		t.Fatal(err)
	}
	stored = bytes.Clone(stored)
	put := func(value []byte) {
		t.Helper()
		if err := memory.Commit(token, value, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for at := range stored {
		for bit := range 8 {
			spoilt := bytes.Clone(stored)
			spoilt[at] ^= 1 << bit
			put(spoilt)
			want(t, store, token, "")
		}
		put(stored[:at])
		want(t, store, token, "")
	}
	put(append(bytes.Clone(stored), 0))
	want(t, store, token, "")
	put([]byte("a session of before there were seals, which is long enough to be one"))
	want(t, store, token, "")
	put(stored)
	want(t, store, token, "value")
}

// TestTheStoreFails: errors of the store behind the seal are returned.
func TestTheStoreFails(t *testing.T) {
	down := errors.New("connection refused")
	store := seal.New(broken{newMemory(t), down}, sealtest.NewKeys(), seal.Options{})
	_, _, findErr := store.FindCtx(t.Context(), "a")
	_, _, _, versionErr := store.FindVersionCtx(t.Context(), "a")
	_, allErr := store.AllCtx(t.Context())
	for what, err := range map[string]error{
		"find": findErr, "find version": versionErr, "all": allErr,
		"ping": store.Ping(t.Context()), "close": store.Close(),
	} {
		if !errors.Is(err, down) {
			t.Errorf("%s: %v", what, err)
		}
	}
	memory := newMemory(t)
	store = seal.New(memory, sealtest.NewKeys(), seal.Options{})
	if store.Unwrap() != session.Store(memory) || store.String() != "sealed memory(0 sessions)" {
		t.Errorf("%v", store)
	}
	if err := errors.Join(store.Ping(t.Context()), store.Close()); err != nil {
		t.Error(err)
	}
}

type broken struct {
	*session.Memory
	err error
}

func (b broken) FindCtx(context.Context, string) ([]byte, bool, error) { return nil, false, b.err }

func (b broken) FindVersionCtx(context.Context, string) ([]byte, session.Version, bool, error) {
	return nil, session.Version{}, false, b.err
}

func (b broken) EachCtx(context.Context, func(string, []byte) error) error { return b.err }
func (b broken) Ping(context.Context) error                                { return b.err }
func (b broken) Close() error                                              { return b.err }

func TestNewRing(t *testing.T) {
	good := sealtest.Key(1)
	for name, test := range map[string]struct {
		current seal.KeyID
		keys    map[seal.KeyID][]byte
	}{
		"empty":               {1, nil},
		"no current":          {2, map[seal.KeyID][]byte{1: good}},
		"number 0":            {0, map[seal.KeyID][]byte{0: good}},
		"number 0 beside":     {1, map[seal.KeyID][]byte{0: good, 1: good}},
		"short":               {1, map[seal.KeyID][]byte{1: good[1:]}},
		"long":                {1, map[seal.KeyID][]byte{1: append(bytes.Clone(good), 0)}},
		"empty key":           {1, map[seal.KeyID][]byte{1: {}}},
		"an old one is short": {1, map[seal.KeyID][]byte{1: good, 2: good[1:]}},
	} {
		if ring, err := seal.NewRing(test.current, test.keys); !errors.Is(err, seal.ErrRing) || ring != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	given := bytes.Clone(good)
	ring, err := seal.NewRing(1, map[seal.KeyID][]byte{1: given})
	if err != nil {
		t.Fatal(err)
	}
	clear(given)
	memory := newMemory(t)
	token := mustCommit(t, seal.New(memory, seal.Fixed(ring), seal.Options{}), "x")
	want(t, seal.New(memory, sealtest.NewKeys(), seal.Options{}), token, "x")
	if ring.Current() != 1 || !ring.Has(1) || ring.Has(2) || ring.Has(0) {
		t.Errorf("%v", ring)
	}
	other, err := seal.NewRing(1, map[seal.KeyID][]byte{1: sealtest.Key(9)})
	if err != nil {
		t.Fatal(err)
	}
	want(t, seal.New(memory, seal.Fixed(other), seal.Options{}), token, "")
}

// TestP9_ARingPrintsNoKey: however a ring is printed or logged, no key shows.
func TestP9_ARingPrintsNoKey(t *testing.T) {
	key := []byte("this is a key of thirty-two byte")
	ring, err := seal.NewRing(3, map[seal.KeyID][]byte{3: key, 4: key})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "ring", ring)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "ring", ring)
	text := fmt.Sprintf("%v %+v %#v %s", ring, ring, ring, log.String())
	if strings.Count(text, "ring(current=3 keys=2)") != 5 || strings.Contains(text, "this") || strings.Contains(text, fmt.Sprint(key[0], " ", key[1])) {
		t.Error(text)
	}
}
