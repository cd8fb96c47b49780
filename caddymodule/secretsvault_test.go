package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// provisioned loads and provisions the secrets module of a global block.
func provisioned(t *testing.T, config []byte) (*SecretsVault, error) {
	t.Helper()
	var parsed struct {
		Apps struct {
			SecondFactor struct{ Secrets json.RawMessage } `json:"second_factor"`
		}
	}
	if err := json.Unmarshal(config, &parsed); err != nil {
		t.Fatal(err)
	}
	vault := new(SecretsVault)
	if err := json.Unmarshal(parsed.Apps.SecondFactor.Secrets, vault); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	err := vault.Provision(ctx)
	t.Cleanup(func() {
		if err := vault.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	return vault, err
}

func vaultBlock(lines string) string {
	return "{\n\tsecond_factor {\n\t\tsecrets vault http://127.0.0.1:1 {\n" + lines + "\n\t\t}\n\t}\n}\n:80 {\n}\n"
}

// TestP9_TokenInTheCaddyfile: a token that the Caddyfile spells out is used, but is not in the configuration, which
// Caddy shows at /config/ and keeps in autosave.json. A placeholder stays a placeholder.
func TestP9_TokenInTheCaddyfile(t *testing.T) {
	const token = "hvs.TheTokenThatMustNotShow"
	config, err := adapt(vaultBlock("auth token " + token))
	if err != nil || strings.Contains(string(config), token) {
		t.Fatalf("%v %s", err, config)
	}
	vault, err := provisioned(t, config)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := vault.resolve()
	if err != nil || resolved.Auth.Token != token {
		t.Errorf("the token is lost: %v", err)
	}
	t.Setenv("SALLYPORT_TEST_TOKEN", token)
	config, err = adapt(vaultBlock("auth token {env.SALLYPORT_TEST_TOKEN}"))
	if err != nil || !strings.Contains(string(config), "{env.SALLYPORT_TEST_TOKEN}") || strings.Contains(string(config), token) {
		t.Fatalf("%v %s", err, config)
	}
	if vault, err = provisioned(t, config); err != nil {
		t.Fatal(err)
	}
	if resolved, err = vault.resolve(); err != nil || resolved.Auth.Token != token {
		t.Errorf("the placeholder was not replaced: %v", err)
	}
	// A stand-in that another process made is unknown here, and the error does not show it.
	other := strings.ReplaceAll(string(config), "{env.SALLYPORT_TEST_TOKEN}", literalPrefix+strings.Repeat("0", 32))
	if _, err := provisioned(t, []byte(other)); err == nil || !strings.Contains(err.Error(), "auth token") || strings.Contains(err.Error(), "0000") {
		t.Errorf("a stand-in of another process: %v", err)
	}
}

// TestVaultProvisionsWithoutVault: neither `caddy validate` nor a start without Vault makes a call. A bad setting is an
// error that names it, and a failed Provision releases nothing that it did not take.
func TestVaultProvisionsWithoutVault(t *testing.T) {
	config, err := adapt(vaultBlock("auth token x\ntransit transit/key"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := provisioned(t, config)
	if err != nil {
		t.Fatal(err)
	}
	second, err := provisioned(t, config)
	if err != nil || second.pooled != first.pooled {
		t.Errorf("a reload with the same settings made another connection (%v)", err)
	}
	for lines, want := range map[string]string{
		"auth token x\nmount a/../b": "mount", "auth token x\npath *": "path", "auth token x\ntransit key": "transit", "auth token {env.SALLYPORT_NO_SUCH}": "auth token",
		"auth cert": "client_cert",
	} {
		config, err := adapt(vaultBlock(lines))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provisioned(t, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error that names %s", lines, err, want)
		}
	}
	if err := first.Cleanup(); err != nil {
		t.Error(err)
	}
	if err := first.Cleanup(); err != nil {
		t.Error(err)
	}
	if references, ok := vaults.References(second.key); !ok || references != 1 {
		t.Errorf("%d references are left, want 1", references)
	}
}

// TestP9_NoSecretInTheModule: printing the module's settings shows no token.
func TestP9_NoSecretInTheModule(t *testing.T) {
	config, err := adapt(vaultBlock("auth token hvs.TheTokenThatMustNotShow"))
	if err != nil {
		t.Fatal(err)
	}
	vault, err := provisioned(t, config)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%+v %#v", vault, vault), fmt.Sprint(vault.Auth)} {
		if strings.Contains(text, "hvs.TheToken") {
			t.Errorf("printed: %s", text)
		}
	}
}
