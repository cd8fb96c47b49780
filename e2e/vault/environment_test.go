package vault

import (
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
)

// The Vault that $VAULT_ADDR names serves tests that can share it, behind faults of their own, and is left as it was.
func TestShared(t *testing.T) {
	t.Parallel()
	running := start(t, Options{TLS: true}, environment{})
	named := environment{address: running.Address, token: running.Token(), authorityFile: running.CACert(), command: "/nowhere/vault"}
	before := inventory(t, running)
	t.Run("shared", func(t *testing.T) {
		s := start(t, Options{Shared: true, TLS: true}, named)
		if s.Address == running.Address || s.Direct != running.Address {
			t.Errorf("at %s, in front of %s", s.Address, s.Direct)
		}
		client := s.ClientAt(s.Address, s.Token())
		mount := s.KV()
		s.Faults(Fault{Method: "PUT", Status: 503, Times: 1})
		for _, wanted := range []bool{false, true} {
			_, err := client.KVv2(mount).Put(t.Context(), "a", map[string]any{"text": "b"})
			if (err == nil) != wanted {
				t.Errorf("written: %v", err)
			}
		}
		if got := s.Requests().Of("PUT", "/v1/"+mount+"/data/a"); got != 2 {
			t.Errorf("%d requests", got)
		}
		s.AppRole(`path "secret/*" { capabilities = ["read"] }`)
		if s.Status() != 200 {
			t.Errorf("status %d", s.Status())
		}
		s.Down()
		s.Up()
	})
	if after := inventory(t, running); after != before {
		t.Errorf("left behind:\n%s\nbefore:\n%s", after, before)
	}

	// A test that does not share gets a server of its own.
	if s := start(t, Options{}, environment{address: named.address, token: named.token}); s.Direct == running.Address {
		t.Error("not its own")
	}
}

// inventory lists what a test could leave behind.
func inventory(t *testing.T, s *Server) string {
	t.Helper()
	var lines []string
	for _, path := range []string{"sys/policies/acl", "auth/approle/role"} {
		secret, err := s.Client().Logical().List(path)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, names(path, secret)...)
	}
	for _, path := range []string{"sys/mounts", "sys/auth"} {
		secret, err := s.Client().Logical().Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for name := range secret.Data {
			if strings.Contains(name, "-") {
				lines = append(lines, path+"/"+name)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// names are the keys of a list.
func names(path string, secret *api.Secret) []string {
	var lines []string
	if secret == nil {
		return nil
	}
	keys, _ := secret.Data["keys"].([]any)
	for _, key := range keys {
		name, _ := key.(string)
		lines = append(lines, path+"/"+name)
	}
	return lines
}
