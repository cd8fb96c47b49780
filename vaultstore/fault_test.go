package vaultstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/vault"
)

// TestP6_FaultsAtEachStep: whatever goes wrong at any operation, it returns an error that says what, and never "no such
// record". Once the trouble is over everything works again, with the earlier record or, if only the answer was lost,
// with the one that was written.
func TestP6_FaultsAtEachStep(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	for name, test := range map[string]struct {
		begin func(*vault.Server)
		end   func(*vault.Server)
		kind  error
	}{
		"sealed":   {(*vault.Server).Seal, func(s *vault.Server) { s.Unseal(); s.AwaitActive() }, ErrSealed},
		"down":     {(*vault.Server).Down, (*vault.Server).Up, ErrUnreachable},
		"rate":     {faults(vault.Fault{Path: "/v1/secret/*", Status: 429}), (*vault.Server).Clear, ErrRateLimited},
		"503":      {faults(vault.Fault{Path: "/v1/secret/*", Status: 503, Message: "internal"}), (*vault.Server).Clear, ErrServer},
		"500":      {faults(vault.Fault{Path: "/v1/secret/*", Status: 500}), (*vault.Server).Clear, ErrServer},
		"standby":  {faults(vault.Fault{Path: "/v1/secret/*", Status: 503, Message: "Vault is in standby mode"}), (*vault.Server).Clear, ErrStandby},
		"denied":   {faults(vault.Fault{Path: "/v1/secret/*", Status: 403}), (*vault.Server).Clear, ErrDenied},
		"404":      {faults(vault.Fault{Path: "/v1/secret/*", Status: 404, Message: "no handler for route"}), (*vault.Server).Clear, ErrMount},
		"web page": {faults(vault.Fault{Path: "/v1/secret/*", Status: 404, Body: "<html>not found"}), (*vault.Server).Clear, factor.ErrUnavailable},
		"hang up":  {faults(vault.Fault{Path: "/v1/secret/*", Cut: vault.Before}), (*vault.Server).Clear, ErrUnreachable},
		"slow":     {faults(vault.Fault{Path: "/v1/secret/*", Delay: time.Hour}), (*vault.Server).Clear, ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			server := server.On(t)
			store := newStore(t, server, Settings{Path: newPath(), Timeout: 300 * time.Millisecond})
			bob := factor.Key{App: "wiki", User: "bob"}
			version := put(t, store, alice, 1, 0)

			test.begin(server)
			_, _, err := store.Get(t.Context(), alice)
			wants(t, "Get", err, factor.ErrUnavailable, test.kind)
			_, _, err = store.Get(t.Context(), bob)
			wants(t, "Get of nobody", err, factor.ErrUnavailable, test.kind)
			_, err = store.Put(t.Context(), alice, storetest.NewRecord("alice", 2), version)
			wants(t, "Put", err, factor.ErrUnavailable, test.kind)
			_, err = store.Put(t.Context(), bob, storetest.NewRecord("bob", 2), 0)
			wants(t, "Put of a new record", err, factor.ErrUnavailable, test.kind)
			wants(t, "Delete", store.Delete(t.Context(), alice, version), factor.ErrUnavailable, test.kind)
			_, err = store.Keys(t.Context())
			wants(t, "Keys", err, factor.ErrUnavailable, test.kind)
			_, err = store.SessionKeys(t.Context())
			wants(t, "SessionKeys", err, factor.ErrUnavailable, test.kind)

			test.end(server)
			eventually(t, "recovery", func() bool { _, _, err := store.Get(t.Context(), alice); return err == nil })
			if seed, at := storedSeed(t, store, alice); seed != 1 || at != version {
				t.Errorf("seed %d at version %d after it, want 1 at %d", seed, at, version)
			}
			if _, _, err := store.Get(t.Context(), bob); !errors.Is(err, factor.ErrNotFound) {
				t.Errorf("bob: %v", err)
			}
			put(t, store, alice, 2, version)
		})
	}
}

func faults(all ...vault.Fault) func(*vault.Server) {
	return func(s *vault.Server) { s.Faults(all...) }
}

// TestP6_FirstContactInTrouble: a gateway that starts while Vault is in trouble does not know yet whether the mount is
// KV v2, and must not read any answer as "no such record" either.
func TestP6_FirstContactInTrouble(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	server.Seal()
	store := newStore(t, server, Settings{Timeout: time.Second})
	_, _, err := store.Get(t.Context(), alice)
	wants(t, "Get", err, factor.ErrUnavailable, ErrSealed)
	server.Unseal()
	server.AwaitActive()
	eventually(t, "recovery", func() bool { _, _, err := store.Get(t.Context(), alice); return errors.Is(err, factor.ErrNotFound) })
}

// TestP6_WrongMount: on a mount of another kind, where a clean 404 means nothing and check-and-set is ignored, nothing
// is read or written.
func TestP6_WrongMount(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	logical := server.Client().Logical()
	for _, mount := range []struct {
		path  string
		input map[string]any
	}{{"kv1", map[string]any{"type": "kv", "options": map[string]any{"version": "1"}}}, {"other", map[string]any{"type": "transit"}}} {
		if _, err := logical.Write("sys/mounts/"+mount.path, mount.input); err != nil {
			t.Fatal(err)
		}
	}
	for _, mount := range []string{"kv1", "other", "none"} {
		store := newStore(t, server, Settings{Mount: mount})
		_, _, err := store.Get(t.Context(), alice)
		wants(t, mount+": Get", err, factor.ErrUnavailable)
		if mount != "none" {
			wants(t, mount+": Get", err, ErrMount)
		}
		if _, err := store.Put(t.Context(), alice, storetest.NewRecord("alice", 1), 0); err == nil {
			t.Errorf("%s: written", mount)
		}
	}
}

// TestP7_LostAnswers: Vault makes a write and the answer is lost. The store reads to find out whether the write was
// made, and the caller gets the true result, both if it was made and if it was not.
func TestP7_LostAnswers(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	const documents = "/v1/secret/data/*"
	for name, lost := range map[string]vault.Fault{
		"reset after": {Method: "PUT", Path: documents, Cut: vault.After, Times: 1},
		"half":        {Method: "PUT", Path: documents, Half: true, Times: 1},
		"too slow":    {Method: "PUT", Path: documents, DelayAnswer: time.Hour, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := server.On(t)
			store := newStore(t, server, Settings{Path: newPath(), Timeout: 500 * time.Millisecond})
			strike := func() { server.Faults(lost) }
			strike()
			first := put(t, store, alice, 1, 0)
			strike()
			second := put(t, store, alice, 2, first)
			if seed, version := storedSeed(t, store, alice); seed != 2 || version != second {
				t.Errorf("seed %d at %d, want 2 at %d", seed, version, second)
			}
			if _, err := store.Put(t.Context(), alice, storetest.NewRecord("alice", 3), first); !errors.Is(err, factor.ErrConflict) {
				t.Errorf("a write at the previous version: %v", err)
			}
			strike()
			if err := store.Delete(t.Context(), alice, second); err != nil {
				t.Errorf("Delete: %v", err)
			}
			server.Clear()
			if _, _, err := store.Get(t.Context(), alice); !errors.Is(err, factor.ErrNotFound) {
				t.Errorf("after Delete: %v", err)
			}
		})
	}

	t.Run("not made", func(t *testing.T) {
		server := server.On(t)
		store := newStore(t, server, Settings{Path: newPath()})
		version := put(t, store, alice, 1, 0)
		server.Faults(vault.Fault{Method: "PUT", Path: documents, Cut: vault.Before, Times: 1})
		_, err := store.Put(t.Context(), alice, storetest.NewRecord("alice", 2), version)
		wants(t, "Put", err, factor.ErrUnavailable)
		if seed, at := storedSeed(t, store, alice); seed != 1 || at != version {
			t.Errorf("seed %d at %d", seed, at)
		}
	})

	t.Run("somebody else's", func(t *testing.T) {
		// The write is lost before it arrives, and another gateway's write arrives, which must not be taken for the
		// lost one.
		server := server.On(t)
		path := newPath()
		store, other := newStore(t, server, Settings{Path: path}), newStore(t, server, Settings{Path: path})
		version := put(t, store, alice, 1, 0)
		server.Faults(vault.Fault{Method: "PUT", Path: documents, Cut: vault.Before, Times: 1}, vault.Fault{Method: "GET", Path: documents, Delay: time.Hour, Times: 1})
		done := make(chan error, 1)
		go func() {
			_, err := store.Put(context.WithoutCancel(t.Context()), alice, storetest.NewRecord("alice", 1), version)
			done <- err
		}()
		server.AwaitHeld(1) // it is reading, to find out
		put(t, other, alice, 1, version)
		server.Clear()
		wants(t, "Put", <-done, factor.ErrUnavailable)
	})
}

// TestP7_LateWrite: a write whose caller has given up reaches Vault later. It must not overwrite a write that was made
// meanwhile.
func TestP7_LateWrite(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	store := newStore(t, server, Settings{Timeout: 300 * time.Millisecond})
	version := put(t, store, alice, 1, 0)
	server.Faults(vault.Fault{Method: "PUT", Path: "/v1/secret/data/*", Delay: time.Hour, Late: true, Times: 1})
	_, err := store.Put(t.Context(), alice, storetest.NewRecord("alice", 2), version)
	wants(t, "Put", err, factor.ErrUnavailable)
	third := put(t, store, alice, 3, version)
	server.Clear()
	server.AwaitNoneHeld()
	if seed, at := storedSeed(t, store, alice); seed != 3 || at != third {
		t.Errorf("seed %d at %d, want 3 at %d", seed, at, third)
	}
}
