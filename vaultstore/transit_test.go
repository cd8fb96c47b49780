package vaultstore

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/vault"
)

// TestTransitSealsSeeds: with transit the document in KV has no unsealed seed. A sealed seed that is moved to another
// user, or to the same user of another app, does not open.
func TestTransitSealsSeeds(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	store := newStore(t, server, Settings{Transit: transitKey})
	bob, other := factor.Key{App: "wiki", User: "bob"}, factor.Key{App: "git", User: "alice"}
	version := put(t, store, alice, 7, 0)
	put(t, store, alice, 7, version)
	for _, key := range []factor.Key{bob, other} {
		put(t, store, key, 9, 0)
	}
	if all := everything(t, server, store); strings.Contains(all, "BwcHBwcH") || !strings.Contains(all, "vault:v1:") {
		t.Error("the seed is in KV unsealed")
	}
	kv := server.Client().KVv2(DefaultMount)
	document := func(key factor.Key) map[string]any {
		secret, err := kv.Get(t.Context(), store.place(key))
		if err != nil {
			t.Fatal(err)
		}
		return secret.Data
	}
	stolen := document(alice)["sealed_seed"]
	for _, key := range []factor.Key{bob, other} {
		forged := document(key)
		forged["sealed_seed"] = stolen
		if _, err := server.Client().Logical().Write("secret/data/"+store.place(key), map[string]any{"data": forged, "options": map[string]any{"cas": 1}}); err != nil {
			t.Fatal(err)
		}
		_, _, err := store.Get(t.Context(), key)
		wants(t, key.User+" of "+key.App, err, factor.ErrCorrupt)
	}
	_, _, err := newStore(t, server, Settings{}).Get(t.Context(), alice)
	wants(t, "without transit in the configuration", err, factor.ErrCorrupt)
}

// TestTransitRotation: after the key was rotated a seed is sealed again at its next use, and not before.
func TestTransitRotation(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	store := newStore(t, server, Settings{Transit: transitKey})
	now := time.Now()
	store.transit.now = func() time.Time { return now }
	sealedWith := func() string {
		secret, err := server.Client().KVv2(DefaultMount).Get(t.Context(), store.place(alice))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Split(secret.Data["sealed_seed"].(string), ":")[:2], ":")
	}
	use := func() {
		record, version, err := store.Get(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		record.Throttle.Failures++
		if _, err := store.Put(t.Context(), alice, record, version); err != nil {
			t.Fatal(err)
		}
	}
	put(t, store, alice, 7, 0)
	use()
	if _, err := server.Client().Logical().Write("transit/keys/sallyport/rotate", nil); err != nil {
		t.Fatal(err)
	}
	use()
	if with := sealedWith(); with != "vault:v1" {
		t.Errorf("sealed with %s within the minute", with)
	}
	now = now.Add(rotationCheck)
	use()
	if with := sealedWith(); with != "vault:v2" {
		t.Errorf("sealed with %s after the rotation", with)
	}
	// If the version of the transit key cannot be read, nothing fails.
	now = now.Add(rotationCheck)
	server.Faults(vault.Fault{Path: "/v1/transit/keys/*", Status: 403})
	use()
}

// TestTransitLater: when transit is switched on later, an unsealed seed is sealed at its next use, and is in no older
// version any more.
func TestTransitLater(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	if _, err := server.Client().Logical().Write("secret/config", map[string]any{"max_versions": 10}); err != nil {
		t.Fatal(err)
	}
	put(t, newStore(t, server, Settings{}), alice, 7, 0)
	store := newStore(t, server, Settings{Transit: transitKey})
	record, version, err := store.Get(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), alice, record, version); err != nil {
		t.Fatal(err)
	}
	if all := everything(t, server, store); strings.Contains(all, "BwcHBwcH") {
		t.Error("the seed is still unsealed")
	}
	if seed, _ := storedSeed(t, store, alice); seed != 7 {
		t.Errorf("seed %d", seed)
	}
}

// TestP6_TransitFaults: trouble with transit, or a missing transit key, is an outage; the store does not write an
// unsealed seed instead.
func TestP6_TransitFaults(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	store := newStore(t, server, Settings{Transit: transitKey})
	version := put(t, store, alice, 7, 0)
	for _, status := range []int{403, 429, 500, 503} {
		server.Faults(vault.Fault{Path: "/v1/transit/*", Status: status})
		_, _, err := store.Get(t.Context(), alice)
		wants(t, "Get", err, factor.ErrUnavailable)
		_, err = store.Put(t.Context(), alice, storetest.NewRecord("alice", 8), version)
		wants(t, "Put of another seed", err, factor.ErrUnavailable)
		server.Clear()
	}
	if seed, at := storedSeed(t, store, alice); seed != 7 || at != version {
		t.Errorf("seed %d at %d", seed, at)
	}
	if all := everything(t, server, store); strings.Contains(all, `"secret":"`) {
		t.Error("a seed was written without its seal")
	}
}

// TestTransitForgedAnswers: an answer of transit without the expected content is an error.
func TestTransitForgedAnswers(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	store := newStore(t, server, Settings{Transit: transitKey})
	put(t, store, alice, 7, 0)
	for _, body := range []string{`{}`, `{"data":{}}`, `{"data":{"plaintext":""}}`, `{"data":{"plaintext":"%%%"}}`, `{"data":{"plaintext":"AAAA"}}`, `{"data":{"plaintext":null,"ciphertext":"x"}}`} {
		if !json.Valid([]byte(body)) {
			t.Fatal(body)
		}
		server.Faults(vault.Fault{Path: "/v1/transit/*", Status: 200, Body: body})
		if _, _, err := store.Get(t.Context(), alice); err == nil {
			t.Errorf("%s: a record", body)
		}
		if _, err := store.Put(t.Context(), factor.Key{App: "wiki", User: "bob"}, storetest.NewRecord("bob", 1), 0); err == nil {
			t.Errorf("%s: written", body)
		}
	}
}
