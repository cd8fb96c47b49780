package redis

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
)

func newStore(t testing.TB, address string, options Options) *Store {
	t.Helper()
	if options.Timeout == 0 {
		options.Timeout = storetest.Patience
	}
	store, err := New(address, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// shiftScript lets time pass for all keys.
var shiftScript = driver.NewScript(`
for _, key in ipairs(redis.call('KEYS', '*')) do
	redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1])
end
`)

// body is what several processes share.
func body(t *testing.T, address string) *storetest.Body {
	clock := storetest.NewClock()
	inspector := newStore(t, address, Options{})
	if err := inspector.client.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return &storetest.Body{
		Open: func() session.Store { return newStore(t, address, Options{Now: clock.Now, Strangers: 400}) },
		Now:  clock.Now, Strangers: 400,
		Advance: func(d time.Duration) {
			clock.Advance(d)
			err := shiftScript.Run(context.Background(), inspector.client, []string{prefix}, d.Milliseconds()).Err()
			if err != nil && !errors.Is(err, driver.Nil) {
				t.Fatal(err)
			}
		},
		Stored: func() int {
			keys, err := inspector.client.Keys(context.Background(), pattern).Result() // without expired keys
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				if life := inspector.client.PTTL(context.Background(), key).Val(); life < 0 {
					t.Errorf("%s lives for %v", key, life)
				}
			}
			return len(keys)
		},
	}
}

func TestConformance(t *testing.T) {
	server := servers.StartRedis(t)
	storetest.Run(t, func(t *testing.T) *storetest.Body { return body(t, server.URL(server.Address)) })
}

// TestConformance_Cluster: the same on a cluster of one node.
func TestConformance_Cluster(t *testing.T) {
	_, address := startCluster(t)
	storetest.Run(t, func(t *testing.T) *storetest.Body { return body(t, address) })
}

func startCluster(t *testing.T) (server *servers.Redis, address string) {
	t.Helper()
	server = servers.StartRedis(t, "--cluster-enabled", "yes")
	server.Must("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	storetest.Within(t, "a cluster", func() error { _, err := server.Do("GET", prefix); return err })
	address = strings.Replace(server.URL(server.Address), "redis://", "redis+cluster://", 1)
	return server, strings.TrimSuffix(address, "/0") // a cluster has one database
}
