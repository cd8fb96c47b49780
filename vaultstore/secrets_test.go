package vaultstore

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/vault"
)

// TestP5_SealedSecretsAreBound: an attacker who can write to KV replaces a sealed secret with that of another factor of
// the same user, whose codes he has, or uses a seal of schema 1 in schema 2. Transit opens neither.
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

// TestP9_AddressIsSealed: an operator who may read KV, but not use the transit key, finds no e-mail address in a user's
// document, with a factor or without; and whoever can write there puts another user's sealed address, or another
// secret, in its place in vain. A document that was written without a seal is read, and sealed at the next write, and
// no version is left that says the address. The control: without transit the operator finds it.
func TestP9_AddressIsSealed(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	if _, err := server.Client().Logical().Write("secret/config", map[string]any{"max_versions": 10}); err != nil {
		t.Fatal(err)
	}
	bob := factor.Key{App: "wiki", User: "bob"}
	store := newStore(t, server, Settings{Path: newPath(), Transit: transitKey})
	reader := newConnection(t, server, restricted(t, server, `path "secret/data/*" { capabilities = ["read"] }`))
	operator, err := reader.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := func(key factor.Key) map[string]any {
		t.Helper()
		found, err := operator.KVv2(DefaultMount).Get(t.Context(), store.place(key))
		if err != nil {
			t.Fatal(err)
		}
		return found.Data
	}
	wantsSealed := func(what string, key factor.Key) {
		t.Helper()
		data := read(key)
		if text := string(encodedAny(t, data)); strings.Contains(text, storetest.Address) || strings.Contains(text, "mail.example") || data["sealed_mail"] == nil {
			t.Errorf("%s: the operator reads %s", what, text)
		}
		record, _, err := store.Get(t.Context(), key)
		if err != nil || record.Contact.Mail != storetest.Address {
			t.Errorf("%s: the gateway reads %v", what, err)
		}
	}
	open := newStore(t, server, Settings{Path: store.path})
	_, err = open.Put(t.Context(), alice, mixed(1), 0)
	if err != nil || !strings.Contains(string(encodedAny(t, read(alice))), storetest.Address) {
		t.Fatalf("the control: the operator does not find it (%v)", err)
	}
	record, version, err := store.Get(t.Context(), alice)
	if err != nil || record.Contact.Mail != storetest.Address {
		t.Fatalf("what was written without a seal is not read: %v", err)
	}
	if _, err = store.Put(t.Context(), alice, record, version); err != nil {
		t.Fatal(err)
	}
	wantsSealed("with factors", alice)
	if all := everything(t, server, store); strings.Contains(all, storetest.Address) {
		t.Error("an older version has the address")
	}
	server.ResetRequests()
	if _, _, err = store.Get(t.Context(), alice); err != nil || server.Requests().Of("PUT", "/v1/transit/decrypt/") != 1 {
		t.Errorf("%d calls to open what is sealed in one document (%v)", server.Requests().Of("PUT", "/v1/transit/decrypt/"), err)
	}
	if _, err := store.Put(t.Context(), bob, storetest.NewReset("bob", 2), 0); err != nil {
		t.Fatal(err)
	}
	wantsSealed("without a factor", bob)

	good, hers := read(bob), read(alice)
	for i, forged := range []any{hers["sealed_mail"], hers["sealed"].(map[string]any)["second-1"], "vault:v1:AAAA"} {
		data := maps.Clone(good)
		data["sealed_mail"] = forged
		if _, err := server.Client().Logical().Write("secret/data/"+store.place(bob), map[string]any{"data": data, "options": map[string]any{"cas": i + 1}}); err != nil {
			t.Fatal(err)
		}
		_, _, err := store.Get(t.Context(), bob)
		wants(t, "a sealed address of elsewhere", err, factor.ErrCorrupt)
	}
}

// TestRemovedSecretsAreNowhere: a factor that is removed leaves its secret in no version, also where others stay; those
// that stay are not sealed anew.
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
