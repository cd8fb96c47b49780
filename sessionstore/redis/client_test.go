package redis

import (
	"errors"
	"strings"
	"testing"
)

// TestAddresses: each form is understood, and named without its password.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"redis://127.0.0.1":                              "redis(127.0.0.1:6379/0)",
		"redis://user:hidden@redis.internal:6380/3":      "redis(redis.internal:6380/3)",
		"rediss://:hidden@redis.internal":                "redis(redis.internal:6379/0)",
		"unix:///run/redis.sock?db=2":                    "redis(/run/redis.sock/2)",
		"redis+cluster://:hidden@a:1?addr=b:2&addr=c:3":  "redis(cluster a:1 b:2 c:3)",
		"rediss+cluster://:hidden@a:1":                   "redis(cluster a:1)",
		"redis+sentinel://:hidden@a:1/4?master_name=m":   "redis(sentinels a:1, m/4)",
		"rediss+sentinel://a:1?master_name=m&addr=b:2":   "redis(sentinels a:1 b:2, m/0)",
		"redis://127.0.0.1?pool_size=5&max_retries=3":    "redis(127.0.0.1:6379/0)",
		"redis+cluster://a:1?route_randomly=true":        "redis(cluster a:1)",
		"redis+sentinel://a:1?master_name=m&password=hi": "redis(sentinels a:1, m/0)",
	} {
		store := newStore(t, address, Options{})
		if store.String() != want {
			t.Errorf("%s: %s", address, store)
		}
	}
}

// TestP9_BadAddresses: what cannot be is an error that shows nothing of it.
func TestP9_BadAddresses(t *testing.T) {
	for _, address := range []string{
		"", "127.0.0.1:6379", "http://:hidden@a", "redis+ring://:hidden@a", "redis://:hidden/x@a:1", "redis://:hidden@a:port", "redis://:hidden%zz@a",
		"redis://a/hidden", "redis://a?hidden=1", "redis+sentinel://:hidden@a:1", "redis+cluster://:hidden@a:1?addr=hidden",
		"redis+sentinel://a?master_name=m&addr=hidden",
	} {
		_, err := New(address, Options{})
		if !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
