package vault

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// Policy writes a policy under a name.
func (s *Server) Policy(name, hcl string) {
	s.t.Helper()
	if err := s.Client().Sys().PutPolicy(name, hcl); err != nil {
		s.t.Fatalf("vault: policy %s: %v", name, err)
	}
}

// AppRole makes a policy and a role of its own that has it, and returns what signs in as that role at auth/approle. Settings
// are further fields of the role, such as "token_ttl": "5s".
func (s *Server) AppRole(policy string, settings ...map[string]any) (roleID, secretID string) {
	s.t.Helper()
	name := unique("role")
	s.Policy(name, policy)
	role := map[string]any{"token_policies": name}
	for _, more := range settings {
		for field, value := range more {
			role[field] = value
		}
	}
	logical := s.Client().Logical()
	path := "auth/approle/role/" + name
	if _, err := logical.Write(path, role); err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	id, err := logical.Read(path + "/role-id")
	if err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	secret, err := logical.Write(path+"/secret-id", nil)
	if err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	return fmt.Sprint(id.Data["role_id"]), fmt.Sprint(secret.Data["secret_id"])
}

// TokenWith makes a token with the named policies (and default). It lives so long; renewable says whether its holder may have
// that prolonged.
func (s *Server) TokenWith(ttl time.Duration, renewable bool, policies ...string) string {
	s.t.Helper()
	// TokenCreateRequest of Vault's client would do, but its ttl and renewable have other defaults than they seem to.
	secret, err := s.Client().Logical().Write("auth/token/create", map[string]any{
		"policies": policies, "ttl": ttl.String(), "renewable": renewable, "no_parent": true,
	})
	if err != nil {
		s.t.Fatalf("vault: token: %v", err)
	}
	return secret.Auth.ClientToken
}

// Revoke revokes a token.
func (s *Server) Revoke(token string) {
	s.t.Helper()
	if err := s.Client().Auth().Token().RevokeTree(token); err != nil {
		s.t.Fatalf("vault: revoking: %v", err)
	}
}

// unique is a name that nothing else has.
func unique(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()) }
