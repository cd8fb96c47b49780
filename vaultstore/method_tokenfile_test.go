package vaultstore

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/vault"
)

// TestTokenFile changes a file in all the ways in which Vault Agent and its operator do. No call fails while there is a
// token that Vault knows.
func TestTokenFile(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	server.Policy("app", appPolicy)
	first := server.TokenWith(time.Hour, true, "app")
	second := server.TokenWith(time.Hour, true, "app")
	third := server.TokenWith(time.Hour, false, "app")
	log := &journal{}
	file := filepath.Join(t.TempDir(), "token")
	c := connect(t, ConnectionSettings{Address: server.Address, Method: TokenFile(file), Logger: log.logger()})

	if err := read(t.Context(), c); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("no file yet: %v", err)
	}
	write(t, file, first[:len(first)/2])
	if err := read(t.Context(), c); status(err) != http.StatusForbidden {
		t.Fatalf("half a token: %v", err)
	}
	write(t, file, first+"\n")
	recovers(t, c)

	becomes := func(what, want string) {
		t.Helper()
		for began := time.Now(); token(t, c) != want; time.Sleep(5 * time.Millisecond) {
			if time.Since(began) > 2*time.Second {
				t.Fatalf("%s: not used within two seconds", what)
			}
			mustRead(t, c)
		}
		mustRead(t, c)
	}
	write(t, file, second)
	becomes("a new token by rename", second)

	// The next check of the file, at most a second later, shows whether something is wrong. The server's counts tell
	// when that was.
	stays := func(what string) {
		t.Helper()
		for began := time.Now(); time.Since(began) < 1200*time.Millisecond; time.Sleep(5 * time.Millisecond) {
			if token(t, c) != second {
				t.Fatalf("%s: the old token is gone", what)
			}
			mustRead(t, c)
		}
	}
	write(t, file, "")
	stays("an empty file")
	write(t, file, third[:len(third)-4])
	stays("half a token")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	stays("no file")
	if err := os.WriteFile(file, []byte(third), 0o600); err != nil {
		t.Fatal(err)
	}
	becomes("a new token in place", third)
	log.quiet(t, first, second, third, first[:len(first)/2], third[:len(third)-4])
}

// TestTokenFileAfterDenial: the token is revoked, and another one is already in the file. The first call succeeds,
// without waiting for the next regular check of the file.
func TestTokenFileAfterDenial(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	server.Policy("app", appPolicy)
	first, second := server.TokenWith(time.Hour, true, "app"), server.TokenWith(time.Hour, true, "app")
	file := write(t, filepath.Join(t.TempDir(), "token"), first)
	c := connect(t, ConnectionSettings{Address: server.Address, Method: TokenFile(file)})
	mustRead(t, c)
	write(t, file, second)
	server.Revoke(first)
	c.looked.Store(int64(time.Since(c.made))) // somebody has looked just now
	mustRead(t, c)
	if token(t, c) != second {
		t.Error("the connection still uses the revoked token")
	}
}

// TestTokenFileWithMorePolicy: the token is valid but does not allow the call, and one that does is already in the
// file. The first call succeeds.
func TestTokenFileWithMorePolicy(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	server.Policy("app", appPolicy)
	first, second := server.TokenWith(time.Hour, true, "default"), server.TokenWith(time.Hour, true, "app")
	file := write(t, filepath.Join(t.TempDir(), "token"), first)
	c := connect(t, ConnectionSettings{Address: server.Address, Method: TokenFile(file)})
	if err := read(t.Context(), c); status(err) != http.StatusForbidden {
		t.Fatal(err)
	}
	write(t, file, second)
	c.looked.Store(int64(time.Since(c.made))) // somebody has looked just now
	mustRead(t, c)
}
