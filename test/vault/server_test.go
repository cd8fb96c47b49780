package vault_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/test/vault"
)

// write writes one version of a document and returns its number.
func write(client *api.Client, name, text string) (int, error) {
	secret, err := client.KVv2("secret").Put(context.Background(), name, map[string]any{"text": text})
	if err != nil {
		return 0, err
	}
	return secret.VersionMetadata.Version, nil
}

// stored returns a document's text; faults do not affect it.
func stored(t *testing.T, s *vault.Server, name string) string {
	t.Helper()
	secret, err := s.Client().KVv2("secret").Get(t.Context(), name)
	if errors.Is(err, api.ErrSecretNotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	text, _ := secret.Data["text"].(string)
	return text
}

// status returns the status of Vault's answer in an error of its client; 0 for another error.
func status(err error) int {
	var answer *api.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

func TestStart(t *testing.T) {
	t.Parallel()
	for _, options := range []vault.Options{
		{},
		{TLS: true},
		{Storage: vault.File},
		{Storage: vault.Raft, TLS: true},
	} {
		s := vault.Start(t, options)
		client := s.ClientAt(s.Address, s.Token())
		version, err := write(client, "a", "b")
		if err != nil || version != 1 {
			t.Fatalf("%+v: version %d, %v", options, version, err)
		}
		if _, err := client.Logical().Write("transit/keys/seeds", nil); err != nil {
			t.Errorf("%+v: transit: %v", options, err)
		}
		if s.Requests().Of("PUT", "/v1/secret/data/") != 1 || s.Requests().Total() != 2 {
			t.Errorf("%+v: requests %v", options, s.Requests())
		}
	}
}

func TestSealAndUnseal(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{})
	client := s.ClientAt(s.Address, s.Token())
	s.Seal()
	if _, err := write(client, "a", "b"); status(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("sealed: %v", err)
	}
	if s.Status() != http.StatusServiceUnavailable {
		t.Errorf("status %d", s.Status())
	}
	s.Unseal()
	if _, err := write(client, "a", "b"); err != nil {
		t.Errorf("unsealed: %v", err)
	}
}

func TestUninitialised(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{Uninitialised: true})
	if s.Status() != http.StatusNotImplemented {
		t.Errorf("status %d", s.Status())
	}
	if _, err := write(s.ClientAt(s.Address, "anything"), "a", "b"); status(err) != http.StatusServiceUnavailable {
		t.Errorf("%v", err)
	}
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{TLS: true})
	client := s.ClientAt(s.Address, s.Token())
	if _, err := write(client, "a", "b"); err != nil {
		t.Fatal(err)
	}
	s.Down()
	// The connection is refused, or broken if the client had one open.
	if _, err := write(client, "a", "c"); err == nil {
		t.Error("written while down")
	}
	if got := stored(t, s, "a"); got != "b" {
		t.Errorf("without the faults: %q", got)
	}
	s.Up()
	if _, err := write(client, "a", "c"); err != nil {
		t.Errorf("up: %v", err)
	}
}

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	for _, storage := range []string{vault.File, vault.Raft} {
		s := vault.Start(t, vault.Options{Storage: storage, TLS: true})
		client := s.ClientAt(s.Address, s.Token())
		if _, err := write(client, "a", storage); err != nil {
			t.Fatal(err)
		}
		address, authority := s.Address, s.CACert()
		s.Kill()
		if _, err := write(client, "a", "lost"); err == nil {
			t.Errorf("%s: killed: %v", storage, err)
		}
		s.Restart()
		if s.Address != address || s.CACert() != authority {
			t.Errorf("%s: back at %s with %s", storage, s.Address, s.CACert())
		}
		if version, err := write(client, "a", "c"); err != nil || version != 2 {
			t.Errorf("%s: restarted: version %d, %v", storage, version, err)
		}
	}
}

func TestStandby(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{Standby: true, TLS: true})
	client := s.ClientAt(s.Standby.Address, s.Token())
	if _, err := write(client, "a", "b"); err != nil {
		t.Fatalf("forwarded: %v", err)
	}
	if s.Standby.Requests().Of("PUT", "/v1/secret/") != 1 || s.Requests().Total() != 0 {
		t.Errorf("requests %v, %v", s.Standby.Requests(), s.Requests())
	}

	redirected, err := client.Clone()
	if err != nil {
		t.Fatal(err)
	}
	redirected.SetToken(s.Token())
	redirected.AddHeader("X-Vault-No-Request-Forwarding", "true")
	if _, err := write(redirected, "a", "c"); err != nil {
		t.Fatalf("redirected: %v", err)
	}
	if s.Requests().Of("PUT", "/v1/secret/") != 1 {
		t.Errorf("not redirected: %v", s.Requests())
	}

	s.Seal()
	s.Standby.AwaitActive()
	if _, err := write(client, "a", "d"); err != nil {
		t.Errorf("taken over: %v", err)
	}
	s.Unseal()
	if s.Status() != http.StatusTooManyRequests {
		t.Errorf("the first is %d, not a standby", s.Status())
	}
}

func TestNewCertificate(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{TLS: true})
	old := s.CACert()
	// Each client is new, because an open connection does not check certificates again.
	try := func() error {
		_, err := write(s.ClientAt(s.Address, s.Token()), "a", "b")
		return err
	}
	s.NewCertificate(vault.Certificate{SameAuthority: true})
	if err := try(); err != nil || s.CACert() != old {
		t.Errorf("renewed: %v", err)
	}
	before := s.ClientAt(s.Address, s.Token())
	s.NewCertificate(vault.Certificate{})
	if _, err := write(before, "a", "b"); err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("trusting the old authority: %v", err)
	}
	if err := try(); err != nil || s.CACert() == old {
		t.Errorf("trusting the new authority: %v", err)
	}
	named := s.CACert()
	s.NewCertificate(vault.Certificate{Overwrite: true})
	if err := try(); err != nil || s.CACert() != named {
		t.Errorf("overwritten: %v", err)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	s := vault.Start(t, vault.Options{})
	roleID, secretID := s.AppRole(`path "secret/data/mine/*" { capabilities = ["create", "update", "read"] }`, map[string]any{"token_ttl": "7s"})
	client := s.ClientAt(s.Address, "")
	login, err := client.Logical().Write("auth/approle/login", map[string]any{"role_id": roleID, "secret_id": secretID})
	if err != nil {
		t.Fatal(err)
	}
	if login.Auth.LeaseDuration != 7 {
		t.Errorf("lives %d seconds", login.Auth.LeaseDuration)
	}
	client.SetToken(login.Auth.ClientToken)
	if _, err := write(client, "mine/a", "b"); err != nil {
		t.Errorf("own path: %v", err)
	}
	if _, err := write(client, "other/a", "b"); status(err) != http.StatusForbidden {
		t.Errorf("other path: %v", err)
	}

	s.Policy("reader", `path "secret/data/*" { capabilities = ["read"] }`)
	token := s.TokenWith(time.Hour, false, "reader")
	client.SetToken(token)
	secret, err := client.Auth().Token().LookupSelf()
	if err != nil {
		t.Fatal(err)
	}
	if renewable, _ := secret.TokenIsRenewable(); renewable {
		t.Error("renewable")
	}
	s.Revoke(token)
	if _, err := client.Auth().Token().LookupSelf(); status(err) != http.StatusForbidden {
		t.Errorf("revoked: %v", err)
	}
}
