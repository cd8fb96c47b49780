package vaultstore

import (
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// noEnvironment unsets the VAULT_ variables and those of proxies for a test.
func noEnvironment(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "VAULT_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			t.Setenv(name, "") // so that it is restored after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestConnectionSettings(t *testing.T) {
	noEnvironment(t)
	c, err := NewConnection(ConnectionSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if c.address != "https://127.0.0.1:8200" || c.timeout != 2*time.Second || c.namespace != "" || c.tls != (tlsSettings{}) {
		t.Errorf("the defaults are %+v", c)
	}
	for name, value := range map[string]string{
		"VAULT_ADDR": "https://environment:8200/", "VAULT_NAMESPACE": "team", "VAULT_CACERT": "ca.pem", "VAULT_CAPATH": "/ca",
		"VAULT_CACERT_BYTES": "PEM", "VAULT_CLIENT_CERT": "cert.pem", "VAULT_CLIENT_KEY": "key.pem",
		"VAULT_TLS_SERVER_NAME": "vault.example.com", "VAULT_SKIP_VERIFY": "1", "VAULT_CLIENT_TIMEOUT": "90s",
	} {
		t.Setenv(name, value)
	}
	if c, err = NewConnection(ConnectionSettings{}); err != nil {
		t.Fatal(err)
	}
	want := tlsSettings{
		caCert: "ca.pem", caCertBytes: "PEM", caPath: "/ca", clientCert: "cert.pem", clientKey: "key.pem",
		serverName: "vault.example.com", insecure: true,
	}
	if c.address != "https://environment:8200" || c.namespace != "team" || c.timeout != 2*time.Second || c.tls != want {
		t.Errorf("from the environment: %+v", c)
	}
	c, err = NewConnection(ConnectionSettings{
		Address: "http://settings:1", Namespace: "other", CACert: "a", ClientCert: "b", ClientKey: "c", Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	want = tlsSettings{caCert: "a", clientCert: "b", clientKey: "c", serverName: "vault.example.com", insecure: true}
	if c.address != "http://settings:1" || c.namespace != "other" || c.timeout != time.Minute || c.tls != want {
		t.Errorf("settings win: %+v", c)
	}
}

// TestConnectionSettingsRefused: an error names the setting, and repeats no password.
func TestConnectionSettingsRefused(t *testing.T) {
	noEnvironment(t)
	for want, settings := range map[string]ConnectionSettings{
		"address: it has to begin with":                 {Address: "vault.example.com:8200"},
		"address: it has to begin with https://":        {Address: "ftp://vault"},
		"address: it names no host":                     {Address: "https://:8200"},
		"address: it must not carry a user or password": {Address: "https://user:hunter2@vault"},
		"address: it is not a URL":                      {Address: "https://user:hunter2@vault:port"},
		"address: it has more than a host and a path":   {Address: "https://vault?a=hunter2"},
		"namespace: ":                   {Namespace: "a\r\nX-Vault-Token: b"},
		"client_cert, client_key: ":     {ClientCert: "file"},
		"client_cert, client_key":       {ClientKey: "file"},
		"timeout: ":                     {Timeout: -1},
		"token: the token is empty":     {Method: Token("")},
		"approle: the role ID is empty": {Method: AppRole("", "file")},
		"cert: it takes client_cert":    {Method: Cert("")},
		"cert: it takes":                {Method: Cert(""), ClientCert: "a", ClientKey: "b", Address: "http://vault"},
	} {
		_, err := NewConnection(settings)
		if err == nil || !strings.HasPrefix(err.Error(), "vaultstore: "+want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v and not %q", settings, err, want)
		}
	}
	t.Setenv("VAULT_SKIP_VERIFY", "perhaps")
	if _, err := NewConnection(ConnectionSettings{}); err == nil || !strings.Contains(err.Error(), "VAULT_SKIP_VERIFY") {
		t.Error(err)
	}
}

// TestMakingDoesNothing: no file is opened and no goroutine begun before Vault is needed.
func TestMakingDoesNothing(t *testing.T) {
	noEnvironment(t)
	before := runtime.NumGoroutine()
	for range 50 {
		c, err := NewConnection(ConnectionSettings{
			Address: "https://127.0.0.1:1", CACert: "/nowhere", ClientCert: "/nowhere", ClientKey: "/nowhere",
			Method: AppRole("role", "/nowhere"), Logger: slog.Default(),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// TestNoToken: without a method and VAULT_TOKEN the error says so; VAULT_TOKEN is read when it is used.
func TestNoToken(t *testing.T) {
	noEnvironment(t)
	c, err := NewConnection(ConnectionSettings{Address: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.client(t.Context()); err == nil || !strings.Contains(err.Error(), "no method of signing in, and VAULT_TOKEN: the token is empty") {
		t.Error(err)
	}
	t.Setenv("VAULT_TOKEN", "hvs.later")
	if _, err := c.client(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
}
