package vaultstore

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/vault"
)

// TestAppRole: a wrong secret ID is refused, with an error of one line. A right one in the same file is used within two
// seconds, without a restart. The next login reads the file again.
func TestAppRole(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, secretID, file := approleFile(t, server)
	log := &journal{}
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file), Logger: log.logger()})
	write(t, file, "not-the-secret-id")
	err := read(t.Context(), c)
	if status(err) != http.StatusBadRequest || !strings.Contains(err.Error(), "the answer was 400: invalid") {
		t.Fatalf("a wrong secret ID: %v", err)
	}
	write(t, file, "")
	if err := read(t.Context(), c); err == nil {
		t.Fatal("an empty secret ID")
	}
	write(t, file, secretID+"\r\n")
	recovers(t, c)

	// Another secret ID replaces the first one in Vault and in the file.
	first := token(t, c)
	client := server.Client()
	role := roleOf(t, server, first)
	made, err := client.Logical().Write("auth/approle/role/"+role+"/secret-id", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Logical().Write("auth/approle/role/"+role+"/secret-id/destroy", map[string]any{"secret_id": secretID}); err != nil {
		t.Fatal(err)
	}
	second, _ := made.Data["secret_id"].(string)
	write(t, file, second)
	server.Revoke(first)
	mustRead(t, c)
	if token(t, c) == first {
		t.Error("the connection still uses the revoked token")
	}
	log.quiet(t, secretID, second, "not-the-secret-id", first, token(t, c))
}

// roleOf returns the name of the role for which a token was made.
func roleOf(t *testing.T, server *vault.Server, token string) string {
	t.Helper()
	found, err := server.Client().Auth().Token().Lookup(token)
	if err != nil {
		t.Fatal(err)
	}
	meta, _ := found.Data["meta"].(map[string]any)
	name, _ := meta["role_name"].(string)
	return name
}

// TestAppRoleMount: the method may be mounted elsewhere.
func TestAppRoleMount(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	client := server.Client()
	server.Policy("app", appPolicy)
	if _, err := client.Logical().Write("sys/auth/team/roles", map[string]any{"type": "approle"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Logical().Write("auth/team/roles/role/app", map[string]any{"token_policies": "app", "role_id": "the-role"}); err != nil {
		t.Fatal(err)
	}
	made, err := client.Logical().Write("auth/team/roles/role/app/secret-id", nil)
	if err != nil {
		t.Fatal(err)
	}
	secretID, _ := made.Data["secret_id"].(string)
	file := write(t, filepath.Join(t.TempDir(), "secret-id"), secretID)
	mustRead(t, connect(t, ConnectionSettings{Address: server.Address, Method: AppRole("the-role", file, Mount("/team/roles/"))}))
}
