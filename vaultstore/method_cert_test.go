package vaultstore

import (
	"path/filepath"
	"testing"

	"sallyport.example/sallyport/test/vault"
)

// TestCert: the connection's client certificate signs in; a certificate of an authority that Vault does not know does
// not. New files are used within two seconds, although the key is written after the certificate.
func TestCert(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{TLS: true})
	server.Policy("app", appPolicy)
	known, unknown := newAuthority(t), newAuthority(t)
	logical := server.Client().Logical()
	for path, data := range map[string]map[string]any{
		"sys/auth/cert": {"type": "cert"}, "sys/auth/machines": {"type": "cert"},
	} {
		if _, err := logical.Write(path, data); err != nil {
			t.Fatal(err)
		}
	}
	for _, mount := range []string{"cert", "machines"} {
		if _, err := logical.Write("auth/"+mount+"/certs/gateway", map[string]any{"certificate": known.pem, "token_policies": "app"}); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	certificate, key := unknown.issue(t, "gateway")
	settings := ConnectionSettings{
		Address: server.Address, CACert: server.CACert(),
		ClientCert: write(t, filepath.Join(folder, "client.pem"), certificate),
		ClientKey:  write(t, filepath.Join(folder, "client-key.pem"), key),
	}
	settings.Method = Cert("gateway")
	c := connect(t, settings)
	if err := read(t.Context(), c); !credentialRefused(err) {
		t.Fatalf("an unknown certificate: %v", err)
	}
	certificate, key = known.issue(t, "gateway")
	write(t, settings.ClientCert, certificate)
	if err := read(t.Context(), c); !credentialRefused(err) {
		t.Fatalf("certificate and key do not fit: %v", err)
	}
	write(t, settings.ClientKey, key)
	recovers(t, c)

	for _, method := range []Method{Cert(""), Cert("gateway", Mount("machines"))} {
		settings.Method = method
		mustRead(t, connect(t, settings))
	}
	settings.Method = Cert("no such role")
	if err := read(t.Context(), connect(t, settings)); !credentialRefused(err) {
		t.Fatalf("an unknown role: %v", err)
	}

	// A renewed certificate is used by the next login, although connections with the old one are open.
	renewed, newKey := known.issue(t, "gateway")
	write(t, settings.ClientCert, renewed)
	write(t, settings.ClientKey, newKey)
	if _, err := logical.Write("auth/cert/certs/gateway", map[string]any{"certificate": renewed, "token_policies": "app"}); err != nil {
		t.Fatal(err)
	}
	before := token(t, c)
	server.Revoke(before)
	mustRead(t, c)
	if token(t, c) == before {
		t.Error("the connection still uses the revoked token")
	}
}
