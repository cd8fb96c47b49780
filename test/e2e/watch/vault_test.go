package watch

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// TestVaultMetrics: the metrics behind the alerts about Vault are right with a real Vault: how long the gateway's token
// lasts, before and after a renewal; successful calls; and failed calls while Vault is sealed. The audit log says once,
// with the reason, that Vault is not available, and once that it is again.
func TestVaultMetrics(t *testing.T) {
	t.Parallel()
	v := vault.Start(t, vault.Options{})
	policy, err := exec.CommandContext(t.Context(), site.Binary(t), "vault", "policy").Output()
	if err != nil {
		t.Fatal(err)
	}
	v.Policy("sallyport", string(policy))
	role, secret := v.AppRole("# nothing", map[string]any{"token_policies": "sallyport", "token_ttl": "30s"})
	secretFile := filepath.Join(t.TempDir(), "secret-id")
	if err := os.WriteFile(secretFile, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	audit := filepath.Join(t.TempDir(), "audit.log")
	g := start(t, "", site.Options{
		Secrets: fmt.Sprintf("secrets vault %s {\n\tauth approle %s %s\n}", v.Address, role, secretFile), Global: auditTo(t, audit),
	})
	const token, away = "sallyport_vault_token_expires_seconds", `sallyport_store_requests_total{operation="get",outcome="unavailable",store="secrets"}`
	left := func() float64 { return value(t, g.adminMetrics(t), token) }
	within(t, time.Minute, "the token's life is told", func() bool { return left() > 0 })
	lowest := 30.0
	within(t, time.Minute, "the token is renewed", func() bool {
		now := left()
		renewed := now > lowest+5
		lowest = min(lowest, now)
		return renewed
	})
	if lowest < 1 || left() > 30 {
		t.Errorf("the token's life went down to %v, and is %v now", lowest, left())
	}
	signIn(t, g.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	if got := value(t, g.adminMetrics(t), away); got != 0 {
		t.Errorf("all is well, and %v calls failed", got)
	}
	v.Seal()
	for range 2 {
		signIn(t, g.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusServiceUnavailable, "")
	}
	if got := value(t, g.adminMetrics(t), away); got < 2 {
		t.Errorf("Vault is sealed, and %v calls failed", got)
	}
	v.Unseal()
	within(t, time.Minute, "somebody can sign in again", func() bool {
		return signIn(t, g.Client(t), "alice", demo.AlicePassword).StatusCode == http.StatusSeeOther
	})
	told := map[string]int{}
	for _, l := range lines(t, read(audit)) {
		if l.text("setting") == "secrets" {
			told[l.text("event")+" "+l.text("reason")]++
		}
	}
	if len(told) != 2 || told["store_recovered "] != 1 {
		t.Errorf("the audit log has %v", told)
	}
}
