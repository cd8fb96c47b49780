package redis

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
)

// TestFullOfStrangers: the server has less memory than the strangers' share would need. Strangers' sessions end only
// each other, and users can still sign in, change their sessions and sign out.
func TestFullOfStrangers(t *testing.T) {
	server := servers.StartRedis(t, "--maxmemory", "8mb", "--maxmemory-policy", "noeviction")
	store := newStore(t, server.URL(server.Address), Options{})
	ctx, expiry := t.Context(), time.Now().Add(time.Hour)
	value := []byte(strings.Repeat("x", 4<<10))
	alice := session.WithLabel(ctx, session.Label{Owner: session.Owner{1}})
	token := storetest.Token()
	if err := store.CommitCtx(alice, token, []byte("in"), expiry); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 1000 {
				stranger := session.WithLabel(ctx, session.Label{Stranger: true})
				if err := store.SwapCtx(stranger, storetest.Token(), session.Version{}, value, expiry); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	for range 50 {
		_, version, found, err := store.FindVersionCtx(ctx, token)
		if err != nil || !found {
			t.Fatalf("%v, %v: the session of a user who has signed in was ended", found, err)
		}
		next := storetest.Token()
		if err := store.MoveCtx(alice, token, version, next, value, expiry); err != nil {
			t.Fatal(err)
		}
		token = next
	}
	found := 0
	if err := store.OwnedCtx(ctx, []session.Owner{{1}}, func(string, []byte) error { found++; return nil }); err != nil || found != 1 {
		t.Errorf("%d in the index, %v", found, err)
	}
}

// TestSearched: the store searches all keys for sessions without a label once, and if there are none, not again for a
// while.
func TestSearched(t *testing.T) {
	server := servers.StartRedis(t)
	store := newStore(t, server.URL(server.Address), Options{})
	ctx := t.Context()
	found := 0
	ask := func() {
		t.Helper()
		if err := store.UnlabelledCtx(ctx, func(string, []byte) error { found++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	scans := func() bool { return strings.Contains(store.client.Info(ctx, "commandstats").Val(), "cmdstat_scan") }
	ask()
	if !scans() {
		t.Fatal("the keys were not searched: the test is broken")
	}
	server.Must("CONFIG", "RESETSTAT")
	ask()
	if scans() {
		t.Error("all keys were searched again")
	}
	// A gateway of a version before the labels stores a session.
	token := storetest.Token()
	server.Must("SET", prefix+token, "L0123456789abcdefbefore", "PX", "3600000")
	if life := store.client.PTTL(ctx, searchedKey).Val(); life <= 0 || life > searchedFor {
		t.Errorf("the result of the search is kept for %v", life)
	}
	server.Must("DEL", searchedKey)
	for range 2 {
		found = 0
		if ask(); found != 1 {
			t.Errorf("%d found", found)
		}
	}
}
