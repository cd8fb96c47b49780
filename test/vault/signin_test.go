package vault_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"testing"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/test/vault"
)

const mine = `path "secret/data/mine/*" { capabilities = ["create", "update", "read"] }`

// confined checks that a token allows what the policy says and nothing else.
func confined(t *testing.T, client *api.Client, login *api.Secret) {
	t.Helper()
	client.SetToken(login.Auth.ClientToken)
	if _, err := write(client, "mine/a", "b"); err != nil {
		t.Errorf("own path: %v", err)
	}
	if _, err := write(client, "other/a", "b"); status(err) != http.StatusForbidden {
		t.Errorf("other path: %v", err)
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{})
	k := s.Kubernetes(mine, map[string]any{"token_ttl": "9s"})
	client := s.ClientAt(s.Address, "")
	login := func(token string) (*api.Secret, error) {
		return client.Logical().Write("auth/kubernetes/login", map[string]any{"role": k.Role, "jwt": token})
	}
	old, err := os.ReadFile(k.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := login(string(old))
	if err != nil {
		t.Fatal(err)
	}
	if secret.Auth.LeaseDuration != 9 {
		t.Errorf("lives %d seconds", secret.Auth.LeaseDuration)
	}
	confined(t, client, secret)

	k.Rotate()
	if _, err := login(string(old)); status(err) != http.StatusForbidden {
		t.Errorf("the old token: %v", err)
	}
	fresh, err := os.ReadFile(k.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := login(string(fresh)); err != nil {
		t.Errorf("the new token: %v", err)
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{TLS: true})
	role, certificate, key := s.ClientCertificate(mine)
	login := func(client *api.Client) (*api.Secret, error) {
		return client.Logical().Write("auth/cert/login", map[string]any{"name": role})
	}
	client := s.ClientAt(s.Address, "")
	if _, err := login(client); err == nil {
		t.Error("signed in without a certificate")
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	client = s.ClientAt(s.Address, "")
	client.CloneConfig().HttpClient.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}
	secret, err := login(client)
	if err != nil {
		t.Fatal(err)
	}
	confined(t, client, secret)
}
