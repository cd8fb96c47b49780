package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/vault"
)

const transitKey = "transit/sallyport"

// paths gives each test a folder of its own in a server that it shares.
var paths atomic.Int64

func newPath() string { return fmt.Sprintf("sallyport-%d", paths.Add(1)) }

// newConnection signs in with the method, at the address at which the server can simulate faults.
func newConnection(t testing.TB, server *vault.Server, method Method) *Connection {
	t.Helper()
	connection, err := NewConnection(ConnectionSettings{Address: server.Address, Method: method, CACert: server.CACert()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	return connection
}

// newStore makes a store as another gateway would: with a connection and a memory of its own, and the root token.
func newStore(t testing.TB, server *vault.Server, settings Settings) *Store {
	t.Helper()
	if settings.Connection == nil {
		settings.Connection = newConnection(t, server, Token(server.Token()))
	}
	store, err := New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// restricted is a method that signs in with AppRole, under a policy.
func restricted(t testing.TB, server *vault.Server, policy string) Method {
	t.Helper()
	role, secret := server.AppRole(policy)
	file := filepath.Join(t.TempDir(), "secret-id")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return AppRole(role, file)
}

func newTransitKey(t testing.TB, server *vault.Server) {
	t.Helper()
	if _, err := server.Client().Logical().Write("transit/keys/sallyport", nil); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, store *Store, key factor.Key, seed byte, expected factor.Version) factor.Version {
	t.Helper()
	version, err := store.Put(t.Context(), key, storetest.NewRecord(key.User, seed), expected)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	return version
}

// storedSeed returns the byte of which the record's seed consists; see storetest.NewRecord.
func storedSeed(t testing.TB, store *Store, key factor.Key) (seed byte, version factor.Version) {
	t.Helper()
	record, version, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return record.Factors[0].Secret[0], version
}

func wants(t testing.TB, doing string, err error, kinds ...error) {
	t.Helper()
	for _, kind := range kinds {
		if !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %v", doing, err, kind)
		}
	}
}

// eventually tries until it holds, for some seconds at most.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within ten seconds", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kvMetadata are metadata as a careless operator writes them.
func kvMetadata(custom map[string]any) api.KVMetadataPutInput {
	return api.KVMetadataPutInput{MaxVersions: 1, CASRequired: true, CustomMetadata: custom}
}
