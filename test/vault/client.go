package vault

import (
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

// newClient makes a client of Vault that does not retry and ignores the environment.
func newClient(t testing.TB, address, authorityFile, token string) *api.Client {
	t.Helper()
	config := &api.Config{
		Address:    address,
		HttpClient: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()},
		Timeout:    20 * time.Second,
	}
	if authorityFile != "" {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: authorityFile}); err != nil {
			t.Fatalf("vault: client: %v", err)
		}
	}
	client, err := api.NewClient(config)
	if err != nil {
		t.Fatalf("vault: client: %v", err)
	}
	client.SetMaxRetries(0)
	client.ClearNamespace()
	client.SetToken(token)
	t.Cleanup(config.HttpClient.CloseIdleConnections)
	return client
}
