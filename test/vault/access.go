package vault

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// KV mounts a new KV v2 engine, and returns the mount's name once it answers.
func (s *Server) KV() string {
	s.t.Helper()
	name := unique("kv")
	client := s.Client()
	input := &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}
	if err := client.Sys().Mount(name, input); err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	s.tidy(func(client *api.Client) error { return client.Sys().Unmount(name) })
	s.Await("KV at "+name, func() bool {
		_, err := client.Logical().Read(name + "/config")
		return err == nil
	})
	return name
}

// Transit mounts a new transit engine with a key of this name, and returns the mount's name.
func (s *Server) Transit(key string) string {
	s.t.Helper()
	name := unique("transit")
	if err := s.Client().Sys().Mount(name, &api.MountInput{Type: "transit"}); err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	s.tidy(func(client *api.Client) error { return client.Sys().Unmount(name) })
	s.write(name+"/keys/"+key, nil)
	return name
}

// Policy writes a policy under a name, and replaces an earlier one.
func (s *Server) Policy(name, hcl string) {
	s.t.Helper()
	if err := s.Client().Sys().PutPolicy(name, hcl); err != nil {
		s.t.Fatalf("vault: policy %s: %v", name, err)
	}
	s.tidy(func(client *api.Client) error { return client.Sys().DeletePolicy(name) })
}

// AppRole makes a policy and a new role that has it, and returns the role ID and secret ID for auth/approle. Settings
// are further fields of the role, such as "token_ttl": "5s".
func (s *Server) AppRole(policy string, settings ...map[string]any) (roleID, secretID string) {
	s.t.Helper()
	s.enable("approle")
	name := unique("role")
	s.Policy(name, policy)
	path := "auth/approle/role/" + name
	s.write(path, merged(map[string]any{"token_policies": name}, settings))
	s.tidy(func(client *api.Client) error {
		_, err := client.Logical().Delete(path)
		return err
	})
	id, err := s.Client().Logical().Read(path + "/role-id")
	if err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	secret := s.write(path+"/secret-id", nil)
	return fmt.Sprint(id.Data["role_id"]), fmt.Sprint(secret.Data["secret_id"])
}

// TokenWith makes a token with the named policies (and default). It expires after ttl; renewable says whether its
// holder may renew it.
func (s *Server) TokenWith(ttl time.Duration, renewable bool, policies ...string) string {
	s.t.Helper()
	secret := s.write("auth/token/create", map[string]any{
		"policies": policies, "ttl": ttl.String(), "renewable": renewable, "no_parent": true,
	})
	s.tidy(func(client *api.Client) error {
		// It may have expired or been revoked.
		_ = client.Auth().Token().RevokeTree(secret.Auth.ClientToken)
		return nil
	})
	return secret.Auth.ClientToken
}

// Revoke revokes a token.
func (s *Server) Revoke(token string) {
	s.t.Helper()
	if err := s.Client().Auth().Token().RevokeTree(token); err != nil {
		s.t.Fatalf("vault: revoking: %v", err)
	}
}

// enable enables a sign-in method at the path of its own name, if it is not enabled yet.
func (s *Server) enable(method string) {
	s.t.Helper()
	client := s.Client()
	enabled, err := client.Sys().ListAuth()
	if err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	if enabled[method+"/"] != nil {
		return
	}
	if err := client.Sys().EnableAuthWithOptions(method, &api.EnableAuthOptions{Type: method}); err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	s.tidy(func(client *api.Client) error { return client.Sys().DisableAuth(method) })
}

// write writes to a path as root.
func (s *Server) write(path string, data map[string]any) *api.Secret {
	s.t.Helper()
	secret, err := s.Client().Logical().Write(path, data)
	if err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	return secret
}

// tidy undoes something at the end of the test on a shared server.
func (s *Server) tidy(undo func(client *api.Client) error) {
	if !s.shared.options.Shared {
		return
	}
	client := s.Client()
	s.t.Cleanup(func() {
		if err := undo(client); err != nil {
			s.t.Errorf("vault: left behind: %v", err)
		}
	})
}

// merged returns the fields with further ones, which replace those of the same name.
func merged(fields map[string]any, more []map[string]any) map[string]any {
	for _, settings := range more {
		maps.Copy(fields, settings)
	}
	return fields
}

// unique returns a name that nothing else has.
func unique(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()) }
