package vaultstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"strings"
	"testing"

	"sallyport/e2e/vault"
	"sallyport/factor"
	"sallyport/factor/schema1test"
	"sallyport/factor/storetest"
)

// mixed is alice's record of several factors, which schema 1 cannot hold.
func mixed(seed byte) factor.Record { return storetest.NewMixed("alice", seed) }

// TestGoldenDocuments: what the version before kept in Vault is read, and written again byte for byte.
func TestGoldenDocuments(t *testing.T) {
	for _, sort := range []string{schema1test.VaultPlain, schema1test.VaultSealed} {
		for _, file := range schema1test.Golden(sort) {
			want, err := factor.DecodeRecord(schema1test.One(schema1test.Records, file.Name))
			if err != nil {
				t.Fatal(err)
			}
			key := factor.Key{App: "wiki", User: want.User}
			d, err := decodeDocument(key, file.Content)
			if err != nil {
				t.Fatalf("%s %s: %v", sort, file.Name, err)
			}
			var sealed map[string]string
			record, err := d.record(func(id, text string) ([]byte, error) {
				if id != want.Factors[0].ID || text != schema1test.SealedSeed {
					return nil, errors.New("another seed is to be opened")
				}
				sealed = map[string]string{id: text}
				return want.Factors[0].Secret, nil
			})
			if err != nil || (sealed == nil) != (sort == schema1test.VaultPlain) {
				t.Fatalf("%s %s: %v", sort, file.Name, err)
			}
			again, err := newDocument(key, record, d.Generation, sealed)
			if err != nil {
				t.Fatal(err)
			}
			again.Write, again.Purge = d.Write, d.Purge
			if content := encoded(t, again); !bytes.Equal(content, file.Content) {
				t.Errorf("%s %s: written otherwise:\n%s\n%s", sort, file.Name, content, file.Content)
			}
		}
	}
}

var randomWrite = regexp.MustCompile(`"write":"[A-Z0-9]+"`)

// TestGoldenInVault: the same in a real Vault, which spells documents in its own way: after a read and a write without a
// change the document there is the same to the byte, but for the mark of the write and, where a key of transit was rotated,
// the seal.
func TestGoldenInVault(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	for _, transit := range []string{"", transitKey} {
		store := newStore(t, server, Settings{Path: newPath(), Transit: transit})
		for _, file := range schema1test.Golden(schema1test.Records) {
			record, err := schema1test.Decode(file.Content)
			if err != nil {
				t.Fatal(err)
			}
			if record.TOTP == nil && transit != "" {
				continue // nothing to seal
			}
			key := factor.Key{App: "wiki " + file.Name, User: record.User}
			old := before{t, newStore(t, server, Settings{Path: store.path, Transit: transit})}
			if err := old.write(key, record, 305419896, 0); err != nil {
				t.Fatal(err)
			}
			content := func() string {
				t.Helper()
				found, err := store.engine.read(t.Context(), store.place(key))
				if err != nil {
					t.Fatal(err)
				}
				return randomWrite.ReplaceAllString(string(found.content), `"write":"x"`)
			}
			want := content()
			got, version, err := store.Get(t.Context(), key)
			if err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
			if document, err := factor.EncodeRecord(got); err != nil || !bytes.Equal(document, file.Content) {
				t.Errorf("%s: another record came out (%v)", file.Name, err)
			}
			if _, err := store.Put(t.Context(), key, got, version); err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
			if again := content(); again != want {
				t.Errorf("%s, transit %q: written otherwise:\n%s\n%s", file.Name, transit, again, want)
			}
		}
	}
}

// TestP5_SealedSecretsAreBound: whoever can write to KV puts a sealed secret, which he can open by his own codes, in the
// place of another factor's of the same user, or brings a seal of the first schema into the second. Transit opens neither.
func TestP5_SealedSecretsAreBound(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	store := newStore(t, server, Settings{Transit: transitKey})
	version := put(t, store, alice, 1, 0)
	kv := server.Client().KVv2(DefaultMount)
	data := func() map[string]any {
		t.Helper()
		secret, err := kv.Get(t.Context(), store.place(alice))
		if err != nil {
			t.Fatal(err)
		}
		return secret.Data
	}
	first := data()["sealed_seed"]
	if _, err := store.Put(t.Context(), alice, mixed(1), version); err != nil {
		t.Fatal(err)
	}
	write := func(forged map[string]any, number int) {
		t.Helper()
		_, err := server.Client().Logical().Write("secret/data/"+store.place(alice), map[string]any{
			"data": forged, "options": map[string]any{"cas": number},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	good := data()
	sealed := good["sealed"].(map[string]any)
	if len(sealed) != 3 || strings.Contains(string(encodedAny(t, good)), `"secret"`) {
		t.Fatalf("%d sealed secrets, or one that is not", len(sealed))
	}
	number := 2
	for name, forge := range map[string]func(map[string]any){
		"another factor's": func(s map[string]any) { s["enrolment-1"] = s["second-1"] },
		"two exchanged":    func(s map[string]any) { s["second-1"], s["sealed-1"] = s["sealed-1"], s["second-1"] },
		"of schema 1":      func(s map[string]any) { s["enrolment-1"] = first },
	} {
		forged, secrets := maps.Clone(good), maps.Clone(sealed)
		forge(secrets)
		forged["sealed"] = secrets
		write(forged, number)
		_, _, err := store.Get(t.Context(), alice)
		wants(t, name, err, factor.ErrCorrupt)
		number++
	}
	write(good, number)
	if _, _, err := store.Get(t.Context(), alice); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// TestRemovedSecretsAreNowhere: a factor that is removed leaves its secret in no version, also where others stay; those that
// stay are not sealed anew.
func TestRemovedSecretsAreNowhere(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	if _, err := server.Client().Logical().Write("secret/config", map[string]any{"max_versions": 10}); err != nil {
		t.Fatal(err)
	}
	const tablet = "DAwMDAwMDAwMDAw" // NewMixed's second authenticator, made of seed 7
	store := newStore(t, server, Settings{Path: newPath()})
	version, err := store.Put(t.Context(), alice, mixed(7), 0)
	if err != nil || !strings.Contains(everything(t, server, store), tablet) {
		t.Fatalf("the secret was never there: %v", err)
	}
	fewer := mixed(7)
	fewer.Factors = append(fewer.Factors[:2:2], fewer.Factors[3:]...)
	if _, err = store.Put(t.Context(), alice, fewer, version); err != nil || strings.Contains(everything(t, server, store), tablet) {
		t.Errorf("the secret of a factor that was removed is still there (%v)", err)
	}

	store = newStore(t, server, Settings{Path: newPath(), Transit: transitKey})
	if version, err = store.Put(t.Context(), alice, mixed(7), 0); err != nil {
		t.Fatal(err)
	}
	if version, err = store.Put(t.Context(), alice, mixed(7), version); err != nil { // asks once for the key's version
		t.Fatal(err)
	}
	server.ResetRequests()
	if _, err = store.Put(t.Context(), alice, fewer, version); err != nil {
		t.Fatal(err)
	}
	if got := server.Requests().Of("PUT", "/v1/transit/encrypt/"); got != 0 {
		t.Errorf("%d secrets were sealed anew", got)
	}
}

func encodedAny(t *testing.T, content any) []byte {
	t.Helper()
	out, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
