package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// standIn runs devvault as a `vault` command that understands `server -config <file>`, so that the code for that
// command is tested on machines without it. The core is a real Vault; only the reading of the configuration is
// simulated.
const standIn = `#!/bin/sh
[ "$1 $2" = "server -config" ] || exit 2
port=$(sed -n 's/^  address *= "127.0.0.1:\([0-9]*\)"$/\1/p' "$3")
storage=$(sed -n 's/^storage "\(.*\)" {.*/\1/p' "$3")
folder=$(sed -n 's/^  path = "\(.*\)"$/\1/p' "$3")
[ "$storage" = inmem ] && storage=memory
exec %s -init=false -stay -listen "127.0.0.1:$port" -storage "$storage${folder:+:$folder}"
`

func TestVaultCommand(t *testing.T) {
	t.Parallel()
	command := filepath.Join(t.TempDir(), "vault")
	if err := os.WriteFile(command, fmt.Appendf(nil, standIn, Binary(t)), 0o700); err != nil {
		t.Fatal(err)
	}
	installed := environment{command: command}
	for _, storage := range []string{Memory, File} {
		s := start(t, Options{Storage: storage}, installed)
		if _, official := s.shared.runner.(*official); !official {
			t.Fatalf("%T runs", s.shared.runner)
		}
		client := s.ClientAt(s.Address, s.Token())
		put := func() error {
			_, err := client.KVv2("secret").Put(t.Context(), "a", map[string]any{"text": "b"})
			return err
		}
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Logical().Write("transit/keys/seeds", nil); err != nil {
			t.Error(err)
		}
		s.AppRole(`path "secret/*" { capabilities = ["read"] }`)
		s.Faults(Fault{Status: 429, Times: 1})
		if err := put(); err == nil {
			t.Error("no fault")
		}
		s.Seal()
		if err := put(); err == nil || s.Status() != 503 {
			t.Errorf("sealed: %v, status %d", err, s.Status())
		}
		s.Unseal()
		if err := put(); err != nil {
			t.Errorf("unsealed: %v", err)
		}
		if storage == Memory {
			continue
		}
		address := s.Address
		s.Kill()
		if err := put(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("killed: %v", err)
		}
		s.Restart()
		s.Restart() // it stops the server first
		if err := put(); err != nil || s.Address != address {
			t.Errorf("restarted at %s: %v", s.Address, err)
		}
	}

	// For what the command cannot do, devvault is used.
	for _, options := range []Options{{TLS: true}, {Standby: true}, {Uninitialised: true}} {
		if _, own := installed.runner(t, options).(*devvault); !own {
			t.Errorf("%+v: not devvault", options)
		}
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
