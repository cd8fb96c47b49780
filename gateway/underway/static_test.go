package underway

import (
	"testing"
	"time"
)

// TestP5_StaticForAWhile: an address counts for ten minutes, and only for the user, method and host that it was seen
// with.
func TestP5_StaticForAWhile(t *testing.T) {
	var static Static
	keys, now := NewHarmless(), time.Date(2026, 11, 30, 12, 0, 30, 0, time.UTC)
	key := keys.Key("carol", "GET", "h", "/app.css")
	if static.Has(key, now) || static.Has(0, now) {
		t.Error("a new one knows an address")
	}
	static.Add(key, now)
	for after, want := range map[time.Duration]bool{0: true, 9 * time.Minute: true, 10 * time.Minute: false, -2 * time.Minute: false, 24 * time.Hour: false} {
		if got := static.Has(key, now.Add(after)); got != want {
			t.Errorf("after %v: %t", after, got)
		}
	}
	for _, other := range []uint64{keys.Key("alice", "GET", "h", "/app.css"), keys.Key("carol", "HEAD", "h", "/app.css"), keys.Key("carol", "GET", "i", "/app.css")} {
		if static.Has(other, now) {
			t.Error("another address counts")
		}
	}
	if static.Remove(key); static.Has(key, now) {
		t.Error("it was removed")
	}
}
