package session

import (
	"bytes"
	"testing"
)

// TestKeysOfAProcess: if the store has no keys, the keys live as long as the Shared, which a reload keeps.
func TestKeysOfAProcess(t *testing.T) {
	shared := NewShared(newMemory(t, MemoryOptions{}))
	key := func(shared *Shared, purpose string) []byte {
		t.Helper()
		keys, err := shared.Manager(Config{App: "wiki"}).Keys(t.Context(), purpose)
		if err != nil || len(keys) != 1 || len(keys[0]) != KeySize {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		return keys[0]
	}
	if !bytes.Equal(key(shared, "a"), key(shared, "a")) {
		t.Error("a key changes")
	}
	if bytes.Equal(key(shared, "a"), key(shared, "b")) || bytes.Equal(key(shared, "a"), key(NewShared(newMemory(t, MemoryOptions{})), "a")) {
		t.Error("one key for two purposes, or two processes")
	}
}
