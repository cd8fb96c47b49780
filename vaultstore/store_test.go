package vaultstore

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/vault"
)

// TestConformance: a store in a real Vault behaves like any other store, with and without transit, and with the policy
// that `sallyport vault policy` prints.
func TestConformance(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	for _, transit := range []string{"", transitKey} {
		t.Run("transit "+transit, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) factor.Store {
				server, path := server.On(t), newPath()
				policy, err := Policy(DefaultMount, path, transit)
				if err != nil {
					t.Fatal(err)
				}
				return newStore(t, server, Settings{
					Connection: newConnection(t, server, restricted(t, server, policy)), Path: path, Transit: transit,
				})
			})
		})
	}
}

// TestCalls: a verification costs one read and one write, and one call to transit if that is used.
func TestCalls(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	for _, transit := range []string{"", transitKey} {
		store := newStore(t, server, Settings{Path: newPath(), Transit: transit})
		put(t, store, alice, 1, 0)
		if transit != "" {
			storedSeed(t, store, alice)
			put(t, store, factor.Key{App: "wiki", User: "bob"}, 1, 0) // asks once for the key's version
			_, version := storedSeed(t, store, alice)
			put(t, store, alice, 1, version)
		}
		server.ResetRequests()
		record, version, err := store.Get(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		record.Throttle.Failures++
		if _, err := store.Put(t.Context(), alice, record, version); err != nil {
			t.Fatal(err)
		}
		requests, decrypts := server.Requests(), 0
		if transit != "" {
			decrypts = 1
		}
		if requests.Of("GET", "/v1/secret/data/") != 1 || requests.Of("PUT", "/v1/secret/data/") != 1 ||
			requests.Of("PUT", "/v1/transit/decrypt/") != decrypts || requests.Total() != 2+decrypts {
			t.Errorf("transit %q: %+v", transit, requests)
		}
	}
}

// TestMetadata: a record's custom metadata name its owner for people, and one version is kept.
func TestMetadata(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	store := newStore(t, server, Settings{})
	for i, user := range storetest.Names() {
		key := factor.Key{App: "wiki", User: user}
		version := put(t, store, key, 1, 0)
		put(t, store, key, 1, version)
		metadata, err := server.Client().KVv2(DefaultMount).GetMetadata(t.Context(), store.place(key))
		if err != nil {
			t.Fatal(err)
		}
		if metadata.MaxVersions != 1 || !metadata.CASRequired || len(metadata.Versions) != 1 || metadata.CustomMetadata["app"] != "wiki" {
			t.Errorf("%q: %+v", user, metadata)
		}
		if i == 0 && metadata.CustomMetadata["user"] != user {
			t.Errorf("%q reads %q", user, metadata.CustomMetadata["user"])
		}
	}
	keys, err := store.Keys(t.Context())
	if err != nil || len(keys) != len(storetest.Names()) {
		t.Errorf("%d keys, %v; want %d", len(keys), err, len(storetest.Names()))
	}
}

// everything reads all that Vault still has below the store's path: every version of every document.
func everything(t *testing.T, server *vault.Server, store *Store) string {
	t.Helper()
	var all bytes.Buffer
	logical := server.Client().Logical()
	var walk func(string)
	walk = func(folder string) {
		listed, err := logical.List(DefaultMount + "/metadata/" + folder)
		if err != nil {
			t.Fatal(err)
		}
		if listed == nil {
			return
		}
		for _, name := range listed.Data["keys"].([]any) {
			place := folder + name.(string)
			if strings.HasSuffix(place, "/") {
				walk(place)
				continue
			}
			all.WriteString(place + "\n")
			for version := 1; version < 12; version++ {
				secret, err := logical.ReadWithData(DefaultMount+"/data/"+place, map[string][]string{"version": {strconv.Itoa(version)}})
				if err != nil {
					t.Fatal(err)
				}
				if secret != nil {
					_ = json.NewEncoder(&all).Encode(secret.Data)
				}
			}
		}
	}
	walk(store.path + "/")
	return all.String()
}

// TestOldSeedsAreNowhere: after a reset the old seed is in no version of any document, and after disabling nothing is
// listed. That holds even if the mount keeps ten versions of everything, which overrides a document's own metadata.
func TestOldSeedsAreNowhere(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	if _, err := server.Client().Logical().Write("secret/config", map[string]any{"max_versions": 10}); err != nil {
		t.Fatal(err)
	}
	store := newStore(t, server, Settings{})
	const oldSeed, newSeed = "BwcHBwcHBwcHBwcHBwcHBwcHBwc=", "CQkJCQkJCQkJCQkJCQkJCQkJCQk="
	version := put(t, store, alice, 7, 0)
	version = put(t, store, alice, 7, version)
	if all := everything(t, server, store); strings.Count(all, oldSeed) != 2 {
		t.Fatalf("the mount keeps no old versions: the test is broken: %d", strings.Count(all, oldSeed))
	}
	version = put(t, store, alice, 9, version)
	if all := everything(t, server, store); strings.Contains(all, oldSeed) || !strings.Contains(all, newSeed) {
		t.Error("the old seed is still there after a reset")
	}
	if err := store.Delete(t.Context(), alice, version); err != nil {
		t.Fatal(err)
	}
	if all := everything(t, server, store); all != "" {
		t.Errorf("left behind: %s", all)
	}

	// If the purge of a reset fails, the next change purges, also in another process.
	version = put(t, store, alice, 7, 0)
	server.Faults(vault.Fault{Path: "/v1/secret/destroy/*", Status: 503})
	put(t, store, alice, 9, version)
	server.Clear()
	if all := everything(t, server, store); !strings.Contains(all, oldSeed) {
		t.Fatal("the purge did not fail")
	}
	other := newStore(t, server, Settings{})
	_, version = storedSeed(t, other, alice)
	put(t, other, alice, 9, version)
	if all := everything(t, server, store); strings.Contains(all, oldSeed) {
		t.Error("the old seed is still there after the change that followed")
	}
}

// TestP6_WhatIsNoRecord: anything at a user's place that is not a complete record is an error, and never "not
// enrolled": a deleted version, data that are null, other documents, other users' documents.
func TestP6_WhatIsNoRecord(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	store := newStore(t, server, Settings{})
	kv := server.Client().KVv2(DefaultMount)
	bob := factor.Key{App: "wiki", User: "bob"}
	put(t, store, bob, 3, 0)
	bobs, err := kv.Get(t.Context(), store.place(bob))
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(place string) error{
		"soft-deleted": func(place string) error { return kv.Delete(t.Context(), place) },
		"destroyed":    func(place string) error { return kv.Destroy(t.Context(), place, []int{1}) },
		"empty": func(place string) error {
			_, err := server.Client().Logical().Write("secret/data/"+place, map[string]any{"data": map[string]any{}, "options": map[string]any{"cas": 1}})
			return err
		},
		"something else": func(place string) error {
			_, err := server.Client().Logical().Write("secret/data/"+place, map[string]any{"data": map[string]any{"seed": ""}, "options": map[string]any{"cas": 1}})
			return err
		},
		"another user's": func(place string) error {
			_, err := server.Client().Logical().Write("secret/data/"+place, map[string]any{"data": bobs.Data, "options": map[string]any{"cas": 1}})
			return err
		},
		"without its generation": func(place string) error {
			if err := kv.PutMetadata(t.Context(), place, kvMetadata(nil)); err != nil {
				return err
			}
			content, err := kv.Get(t.Context(), place)
			if err != nil {
				return err
			}
			_, err = server.Client().Logical().Write("secret/data/"+place, map[string]any{"data": content.Data, "options": map[string]any{"cas": 1}})
			return err
		},
		"with another generation": func(place string) error {
			return kv.PutMetadata(t.Context(), place, kvMetadata(map[string]any{"generation": "1"}))
		},
	} {
		key := factor.Key{App: name, User: "alice"}
		version := put(t, store, key, 1, 0)
		if err := spoil(store.place(key)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, _, err := store.Get(t.Context(), key)
		wants(t, name+": Get", err, factor.ErrCorrupt)
		if _, err := store.Put(t.Context(), key, storetest.NewRecord("alice", 2), 0); err == nil {
			t.Errorf("%s: a new enrolment overwrote it", name)
		}
		if name == "with another generation" || name == "soft-deleted" || name == "destroyed" {
			continue // KV still counts it as the current version
		}
		if err := store.Delete(t.Context(), key, version); err == nil {
			t.Errorf("%s: deleted at a version that no longer exists", name)
		}
	}
}
