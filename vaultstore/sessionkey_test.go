package vaultstore

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/test/vault"
)

// TestSessionKeyIsOne: twenty gateways that start at the same moment agree on one key, through Vault only.
func TestSessionKeyIsOne(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	for _, transit := range []string{"", transitKey} {
		path := newPath()
		var group sync.WaitGroup
		found := make([]SessionKey, 20)
		for i := range found {
			store := newStore(t, server, Settings{Path: path, Transit: transit})
			group.Go(func() {
				keys, err := store.SessionKeys(t.Context())
				if err != nil || len(keys) != 1 {
					t.Errorf("%d keys, %v", len(keys), err)
					return
				}
				found[i] = keys[0]
			})
		}
		group.Wait()
		for _, key := range found {
			if key.ID != found[0].ID || !bytes.Equal(key.Key, found[0].Key) || len(key.Key) != 32 {
				t.Errorf("two gateways have different keys: %v %v", key, found[0])
			}
		}
		store := newStore(t, server, Settings{Path: path, Transit: transit})
		if open := strings.Contains(everything(t, server, store), base64.StdEncoding.EncodeToString(found[0].Key)); open != (transit == "") {
			t.Errorf("transit %q: the key is in KV unsealed: %v", transit, open)
		}
		if text := fmt.Sprintf("%v %+v %#v %s", found[0], found[0], found[0], found); strings.Contains(text, fmt.Sprint(found[0].Key[:4])[1:8]) {
			t.Errorf("printed: %s", text)
		}
	}
}

// TestSessionKeyRotation: a new key is appended after the old one, which stays for as long as sessions may need it, and
// is then deleted everywhere.
func TestSessionKeyRotation(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	if _, err := server.Client().Logical().Write("secret/config", map[string]any{"max_versions": 10}); err != nil {
		t.Fatal(err)
	}
	store := newStore(t, server, Settings{})
	first, err := store.SessionKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	added, err := store.RotateSessionKey(t.Context(), time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := newStore(t, server, Settings{}).SessionKeys(t.Context())
	if err != nil || len(keys) != 2 || keys[0].ID != first[0].ID || keys[1].ID != added.ID || !bytes.Equal(keys[1].Key, added.Key) {
		t.Errorf("%v, %v", keys, err)
	}
	if _, err := store.RotateSessionKey(t.Context(), time.Hour, time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if keys, err = store.SessionKeys(t.Context()); err != nil || len(keys) != 2 || keys[0].ID != added.ID {
		t.Errorf("%v, %v", keys, err)
	}
	if strings.Contains(everything(t, server, store), base64.StdEncoding.EncodeToString(first[0].Key)) {
		t.Error("the dropped key is still there")
	}
}

// TestP6_SessionKeyFaults: if the key cannot be read there is an error, and never another key instead.
func TestP6_SessionKeyFaults(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	store := newStore(t, server, Settings{})
	keys, err := store.SessionKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kv := server.Client().KVv2(DefaultMount)
	if err := kv.Delete(t.Context(), store.sessionKeyPlace()); err != nil {
		t.Fatal(err)
	}
	_, err = store.SessionKeys(t.Context())
	wants(t, "deleted", err, factor.ErrCorrupt)
	if err := kv.Undelete(t.Context(), store.sessionKeyPlace(), []int{1}); err != nil {
		t.Fatal(err)
	}
	again, err := store.SessionKeys(t.Context())
	if err != nil || len(again) != 1 || again[0].ID != keys[0].ID {
		t.Errorf("%v, %v", again, err)
	}
	for _, content := range []map[string]any{
		{},
		{"schema": 1},
		{"schema": 1, "write": "x", "keys": []any{}},
		{"schema": 2, "write": "x", "keys": []any{map[string]any{"id": 1, "key": "", "created": "2026-01-01T00:00:00Z"}}},
		{"schema": 1, "write": "x", "keys": []any{map[string]any{"id": 1, "key": "AAAA", "created": "2026-01-01T00:00:00Z"}}},
		{"schema": 1, "write": "x", "keys": []any{map[string]any{"id": 1, "sealed": "vault:v1:x", "created": "2026-01-01T00:00:00Z"}}},
	} {
		if _, err := server.Client().Logical().Write("secret/data/"+store.sessionKeyPlace(), map[string]any{"data": content, "options": map[string]any{"cas": nil}}); err != nil {
			// Check-and-set is required of everybody, so find out the version.
			current, err := kv.GetMetadata(t.Context(), store.sessionKeyPlace())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := server.Client().Logical().Write("secret/data/"+store.sessionKeyPlace(), map[string]any{"data": content, "options": map[string]any{"cas": current.CurrentVersion}}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := store.SessionKeys(t.Context())
		wants(t, fmt.Sprint(content), err, factor.ErrCorrupt)
	}
}
