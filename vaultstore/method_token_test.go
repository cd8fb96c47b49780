package vaultstore

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/vault"
)

// TestToken: a token is used as it is, whether or not it can be renewed, and whether or not it may look itself up. A
// token that Vault does not know is refused.
func TestToken(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	server.Policy("app", appPolicy)
	lonely, err := server.Client().Logical().Write("auth/token/create", map[string]any{
		"policies": []string{"app"}, "no_default_policy": true, "no_parent": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, given := range map[string]string{
		"root":          server.Token(),
		"renewable":     server.TokenWith(time.Hour, true, "app"),
		"not renewable": server.TokenWith(time.Hour, false, "app"),
		"no default":    lonely.Auth.ClientToken,
	} {
		log := &journal{}
		c := connect(t, ConnectionSettings{Address: server.Address, Method: Token(given + "\n"), Logger: log.logger()})
		if err := read(t.Context(), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := readPath(t.Context(), c, "secret/data/other"); (status(err) == http.StatusForbidden) != (name != "root") {
			t.Errorf("%s: %v", name, err)
		}
		log.quiet(t, given)
	}
	log := &journal{}
	c := connect(t, ConnectionSettings{Address: server.Address, Method: Token("hvs.nobody-knows-it"), Logger: log.logger()})
	if err := read(t.Context(), c); status(err) != http.StatusForbidden || !strings.Contains(err.Error(), "signing in to Vault with token") {
		t.Errorf("unknown: %v", err)
	}
	log.quiet(t, "nobody-knows-it")
}

// TestTokenRevoked: there is no other token, so callers get an error, quickly and with few calls to Vault.
func TestTokenRevoked(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	server.Policy("app", appPolicy)
	given := server.TokenWith(time.Hour, true, "app")
	c := connect(t, ConnectionSettings{Address: server.Address, Method: Token(given)})
	mustRead(t, c)
	server.Revoke(given)
	server.ResetRequests()
	for range 100 {
		if err := read(t.Context(), c); status(err) != http.StatusForbidden {
			t.Fatal(err)
		}
	}
	if n := server.Requests().Total(); n > 10 {
		t.Errorf("%d requests", n)
	}
}

// TestTokenRenewed: a token given by the operator is used beyond its time to live.
func TestTokenRenewed(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	server.Policy("app", appPolicy)
	c := connect(t, ConnectionSettings{Address: server.Address, Method: Token(server.TokenWith(2*time.Second, true, "app"))})
	for began := time.Now(); time.Since(began) < 4*time.Second; time.Sleep(20 * time.Millisecond) {
		mustRead(t, c)
	}
	if n := server.Requests().Of("PUT", renewPath); n < 2 || n > 12 {
		t.Errorf("%d renewals", n)
	}
}

// TestTokenOfEnvironment: VAULT_TOKEN is used if no method is set.
func TestTokenOfEnvironment(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	t.Setenv("VAULT_ADDR", server.Address)
	t.Setenv("VAULT_TOKEN", server.Token())
	mustRead(t, connect(t, ConnectionSettings{}))
}
