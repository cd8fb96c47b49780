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

// TestP7_OldEnrolmentComesBack: an attacker has the old seed, and his attempt with it is under way on one gateway while
// the user disables and enrols again on another. Vault counts versions from 1 again, so the attempt's write finds the
// number that it expects, and would bring the old seed back. It must not: a gateway that has seen the new enrolment
// does not write, and otherwise the mixed record is damaged and opens nothing.
func TestP7_OldEnrolmentComesBack(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	for _, seen := range []bool{true, false} {
		path := newPath()
		slow, other := newStore(t, server, Settings{Path: path}), newStore(t, server, Settings{Path: path})
		put(t, other, alice, 1, 0)
		_, old := storedSeed(t, slow, alice)
		if err := other.Delete(t.Context(), alice, old); err != nil {
			t.Fatal(err)
		}
		put(t, other, alice, 2, 0)
		if seen {
			storedSeed(t, slow, alice)
		}
		if _, err := slow.Put(t.Context(), alice, storetest.NewRecord("alice", 1), old); !errors.Is(err, factor.ErrConflict) {
			t.Errorf("seen %v: the old attempt's write: %v", seen, err)
		}
		for _, store := range []*Store{slow, other, newStore(t, server, Settings{Path: path})} {
			record, _, err := store.Get(t.Context(), alice)
			switch {
			case err == nil && (record.Factors[0].Secret[0] != 2 || !seen):
				t.Errorf("seen %v: seed %d is back", seen, record.Factors[0].Secret[0])
			case err != nil && (seen || !errors.Is(err, factor.ErrCorrupt)):
				t.Errorf("seen %v: %v", seen, err)
			}
		}
	}
}

// TestP7_OldDisablingComesLate: the same with a late attempt to disable: the new enrolment stays in force, or the
// record is damaged and opens nothing.
func TestP7_OldDisablingComesLate(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	slow, other := newStore(t, server, Settings{}), newStore(t, server, Settings{})
	put(t, other, alice, 1, 0)
	_, old := storedSeed(t, slow, alice)
	if err := other.Delete(t.Context(), alice, old); err != nil {
		t.Fatal(err)
	}
	put(t, other, alice, 2, 0)
	if err := slow.Delete(t.Context(), alice, old); err == nil {
		t.Error("the old disabling succeeded")
	}
	if _, _, err := other.Get(t.Context(), alice); errors.Is(err, factor.ErrNotFound) {
		t.Error("the new enrolment is gone")
	}
}

// TestMetadataFail: the metadata of a new record cannot be written at once. The record is stored, and the next change
// writes the metadata first, so that only a first version can be without metadata.
func TestMetadataFail(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	store := newStore(t, server, Settings{})
	server.Faults(vault.Fault{Method: "PUT", Path: "/v1/secret/metadata/*", Status: 503})
	version := put(t, store, alice, 1, 0)
	if seed, at := storedSeed(t, store, alice); seed != 1 || at != version {
		t.Errorf("seed %d at %d, want 1 at %d", seed, at, version)
	}
	_, err := store.Put(t.Context(), alice, storetest.NewRecord("alice", 2), version)
	wants(t, "Put", err, factor.ErrUnavailable)
	server.Clear()
	version = put(t, store, alice, 2, version)
	if seed, at := storedSeed(t, newStore(t, server, Settings{}), alice); seed != 2 || at != version {
		t.Errorf("seed %d at %d, want 2 at %d", seed, at, version)
	}
}

// TestDisabledButLeft: the metadata of a disabled record could not be deleted. The user counts as not enrolled at once.
// A new enrolment is refused until no late deletion can hit it, and then works; any later caller deletes what is left.
func TestDisabledButLeft(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	store := newStore(t, server, Settings{})
	leave := func() {
		t.Helper()
		version := put(t, store, alice, 7, 0)
		server.Faults(vault.Fault{Method: "DELETE", Path: "/v1/secret/metadata/*", Status: 503})
		if err := store.Delete(t.Context(), alice, version); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		server.Clear()
		if _, _, err := store.Get(t.Context(), alice); !errors.Is(err, factor.ErrNotFound) {
			t.Fatalf("after Delete: %v", err)
		}
		if all := everything(t, server, store); all == "" {
			t.Fatal("nothing was left behind: the test is broken")
		}
	}
	leave()
	if err := store.Delete(t.Context(), alice, 1<<32|1); !errors.Is(err, factor.ErrNotFound) {
		t.Errorf("a second Delete: %v", err)
	}
	_, err := store.Put(t.Context(), alice, storetest.NewRecord("alice", 8), 0)
	wants(t, "Put at once", err, factor.ErrUnavailable)

	store.settled = -time.Hour // the time has passed
	put(t, store, alice, 8, 0)
	if seed, version := storedSeed(t, store, alice); seed != 8 {
		t.Errorf("seed %d", seed)
	} else if err := store.Delete(t.Context(), alice, version); err != nil {
		t.Fatal(err)
	}

	store.settled = time.Hour
	leave()
	store.settled = -time.Hour
	if _, _, err := store.Get(t.Context(), alice); !errors.Is(err, factor.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if all := everything(t, server, store); all != "" {
		t.Errorf("left behind: %s", all)
	}
}

// TestP6_CleaningUpHitsNoNewEnrolment: two gateways find what is left of a disabled record. One deletes it, the user
// enrols again, and only then would the other one's deletion arrive. It must not, because a gateway has to claim the
// document before it deletes, and the claim fails.
func TestP6_CleaningUpHitsNoNewEnrolment(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	late, other := newStore(t, server, Settings{Timeout: 20 * time.Second}), newStore(t, server, Settings{})
	version := put(t, other, alice, 1, 0)
	server.Faults(vault.Fault{Method: "DELETE", Path: "/v1/secret/metadata/*", Status: 503})
	if err := other.Delete(t.Context(), alice, version); err != nil {
		t.Fatal(err)
	}
	late.settled, other.settled = -time.Hour, -time.Hour
	server.Faults(vault.Fault{Method: "PUT", Path: "/v1/secret/data/*", Delay: time.Hour, Times: 1})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = late.Get(context.WithoutCancel(t.Context()), alice)
	}()
	server.AwaitHeld(1) // it has read what is left and is about to claim it
	put(t, other, alice, 2, 0)
	server.Clear()
	<-done
	if seed, _ := storedSeed(t, other, alice); seed != 2 {
		t.Errorf("seed %d", seed)
	}
}
