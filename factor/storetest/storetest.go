// Package storetest is the conformance suite that every factor.Store must pass.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// Parallel is how many attempts race in each test of compare-and-set.
const Parallel = 50

// Run runs the suite. open makes an empty store for one test, and closes it with t.Cleanup. Many goroutines use the
// store at once.
func Run(t *testing.T, open func(t *testing.T) factor.Store) {
	tests := []struct {
		name string
		test func(*testing.T, factor.Store)
	}{
		{"round trip", testRoundTrip},
		{"not found is exact", testNotFound},
		{"compare and set", testCompareAndSet},
		{"from one schema to the other", testSchemas},
		{"waiting", testWaiting},
		{"reset", testReset},
		{"list", testList},
		{"list while it changes", testListMeanwhile},
		{"list names", testListNames},
		{"create in parallel", testParallelCreate},
		{"update in parallel", testParallelUpdate},
		{"delete in parallel", testParallelDelete},
		{"no update is lost", testNoLostUpdate},
		{"no version comes back after a deletion", testNoABA},
		{"names", testNames},
		{"apps", testApps},
		{"finished context", testFinishedContext},
		{"copies", testCopies},
		{"validation", testValidation},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, open(t)) })
	}
}

func put(t *testing.T, store factor.Store, key factor.Key, record factor.Record, expected factor.Version) factor.Version {
	t.Helper()
	version, err := store.Put(t.Context(), key, record, expected)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	if version == 0 {
		t.Fatal("Put returned version 0, which means that there is no record")
	}
	return version
}

// want requires that the key's record is exactly this one, at this version.
func want(t *testing.T, store factor.Store, key factor.Key, record factor.Record, version factor.Version) {
	t.Helper()
	got, at, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if at != version {
		t.Errorf("version %d, want %d", at, version)
	}
	if !equal(got, record) {
		t.Error("Get returned another record than was put")
	}
}

func wantNone(t *testing.T, store factor.Store, key factor.Key) {
	t.Helper()
	if _, version, err := store.Get(t.Context(), key); !errors.Is(err, factor.ErrNotFound) || version != 0 {
		t.Errorf("Get: version %d, %v; want 0, ErrNotFound", version, err)
	}
}

// equal compares by the encoded form, in which times with different locations are the same.
func equal(a, b factor.Record) bool {
	first, err := factor.EncodeRecord(a)
	if err != nil {
		return false
	}
	second, err := factor.EncodeRecord(b)
	return err == nil && bytes.Equal(first, second)
}

func testNotFound(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	wantNone(t, store, key)
	if err := store.Delete(t.Context(), key, 1); !errors.Is(err, factor.ErrNotFound) {
		t.Errorf("Delete of nothing: %v, want ErrNotFound", err)
	}
	version := put(t, store, key, NewRecord("alice", 1), 0)
	wantNone(t, store, factor.Key{App: "wiki", User: "alic"})
	wantNone(t, store, factor.Key{App: "wiki", User: "alice "})
	wantNone(t, store, factor.Key{App: "wiki", User: "Alice"})
	if err := store.Delete(t.Context(), key, version); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if err := store.Delete(t.Context(), key, version); !errors.Is(err, factor.ErrNotFound) {
		t.Errorf("second Delete: %v, want ErrNotFound", err)
	}
}

func testCompareAndSet(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	for _, expected := range []factor.Version{1, 2, 1 << 40} {
		if _, err := store.Put(t.Context(), key, NewRecord("alice", 9), expected); !errors.Is(err, factor.ErrConflict) {
			t.Fatalf("Put at version %d where there is no record: %v, want ErrConflict", expected, err)
		}
	}
	wantNone(t, store, key)

	first := put(t, store, key, NewRecord("alice", 1), 0)
	second := put(t, store, key, NewRecord("alice", 2), first)
	for _, expected := range []factor.Version{0, first, second + 1, second + 1<<40} {
		if _, err := store.Put(t.Context(), key, NewRecord("alice", 9), expected); !errors.Is(err, factor.ErrConflict) {
			t.Errorf("Put at version %d: %v, want ErrConflict", expected, err)
		}
		if err := store.Delete(t.Context(), key, expected); !errors.Is(err, factor.ErrConflict) {
			t.Errorf("Delete at version %d: %v, want ErrConflict", expected, err)
		}
	}
	want(t, store, key, NewRecord("alice", 2), second)
}

// testWaiting goes from a user without a factor to one with a factor, and then deletes the record.
func testWaiting(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	first := put(t, store, key, NewWaiting("alice"), 0)
	want(t, store, key, NewWaiting("alice"), first)
	if _, err := store.Put(t.Context(), key, NewRecord("alice", 1), 0); !errors.Is(err, factor.ErrConflict) {
		t.Errorf("Put over a waiting record: %v, want ErrConflict", err)
	}
	longer := NewWaiting("alice")
	longer.Waiting.Offered = time.Time{}
	second := put(t, store, key, longer, first)
	third := put(t, store, key, NewRecord("alice", 1), second)
	want(t, store, key, NewRecord("alice", 1), third)
	if _, err := store.Put(t.Context(), key, NewWaiting("alice"), second); !errors.Is(err, factor.ErrConflict) {
		t.Errorf("Put at the version of the waiting record: %v, want ErrConflict", err)
	}
	if err := store.Delete(t.Context(), key, third); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	wantNone(t, store, key)
}

// testNoABA: a slow request has read the record, and meanwhile the user has disabled the factors and enrolled again.
// The late write of the slow request must not bring the old seed back.
func testNoABA(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	seen := make(map[factor.Version]bool)
	for round := range byte(4) {
		version := put(t, store, key, NewRecord("alice", round), 0)
		if seen[version] {
			t.Fatalf("version %d came back", version)
		}
		for old := range seen {
			if _, err := store.Put(t.Context(), key, NewRecord("alice", 99), old); !errors.Is(err, factor.ErrConflict) {
				t.Errorf("Put at a version from before the deletion: %v, want ErrConflict", err)
			}
			if err := store.Delete(t.Context(), key, old); !errors.Is(err, factor.ErrConflict) {
				t.Errorf("Delete at a version from before the deletion: %v, want ErrConflict", err)
			}
		}
		seen[version] = true
		updated := put(t, store, key, NewRecord("alice", round+10), version)
		if seen[updated] {
			t.Fatalf("version %d came back", updated)
		}
		seen[updated] = true
		want(t, store, key, NewRecord("alice", round+10), updated)
		if err := store.Delete(t.Context(), key, updated); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	wantNone(t, store, key)
}

func testNames(t *testing.T, store factor.Store) {
	names := Names()
	versions := make([]factor.Version, len(names))
	for i, name := range names {
		key := factor.Key{App: "wiki", User: name}
		wantNone(t, store, key)
		versions[i] = put(t, store, key, NewRecord(name, byte(i)), 0)
	}
	for i, name := range names {
		key := factor.Key{App: "wiki", User: name}
		want(t, store, key, NewRecord(name, byte(i)), versions[i])
		if err := store.Delete(t.Context(), key, versions[i]); err != nil {
			t.Fatalf("Delete of %q: %v", name, err)
		}
		wantNone(t, store, key)
		if i+1 < len(names) {
			want(t, store, factor.Key{App: "wiki", User: names[i+1]}, NewRecord(names[i+1], byte(i+1)), versions[i+1])
		}
	}
}

// testApps checks that apps are separate, also if app and user, joined together, give the same text.
func testApps(t *testing.T, store factor.Store) {
	keys := []factor.Key{
		{App: "wiki", User: "alice"},
		{App: "git", User: "alice"},
		{App: "wiki/alice", User: ""},
		{App: "wikia", User: "lice"},
		{App: "", User: "wikialice"},
		{App: "wiki", User: "/alice"},
		{App: "wiki/", User: "alice"},
		{App: "../wiki", User: "alice"},
		{App: "Wiki", User: "alice"},
		{App: "wiki\x00", User: "alice"},
		{App: "wiki", User: "\x00alice"},
		{App: "wiki.example.com:8443", User: "alice"},
	}
	versions := make([]factor.Version, len(keys))
	for i, key := range keys {
		wantNone(t, store, key)
		versions[i] = put(t, store, key, NewRecord(key.User, byte(i)), 0)
	}
	for i, key := range keys {
		want(t, store, key, NewRecord(key.User, byte(i)), versions[i])
	}
	if err := store.Delete(t.Context(), keys[0], versions[0]); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	for i, key := range keys[1:] {
		want(t, store, key, NewRecord(key.User, byte(i+1)), versions[i+1])
	}
}

// testFinishedContext checks that an operation with an ended context returns an error that cannot be mistaken for an
// answer.
func testFinishedContext(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	version := put(t, store, key, NewRecord("alice", 1), 0)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, stop := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer stop()
	for _, ctx := range []context.Context{cancelled, expired} {
		for _, user := range []string{"alice", "nobody"} {
			_, _, err := store.Get(ctx, factor.Key{App: "wiki", User: user})
			wantUnclear(t, "Get", err)
		}
		_, err := store.Put(ctx, key, NewRecord("alice", 2), version)
		wantUnclear(t, "Put", err)
		_, err = store.Put(ctx, factor.Key{App: "wiki", User: "nobody"}, NewRecord("nobody", 2), 0)
		wantUnclear(t, "Put", err)
		wantUnclear(t, "Delete", store.Delete(ctx, key, version))
		wantUnclear(t, "Delete", store.Delete(ctx, factor.Key{App: "wiki", User: "nobody"}, 1))
	}
	want(t, store, key, NewRecord("alice", 1), version)
	wantNone(t, store, factor.Key{App: "wiki", User: "nobody"})
}

func wantUnclear(t *testing.T, operation string, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s with a finished context succeeded", operation)
	case errors.Is(err, factor.ErrNotFound), errors.Is(err, factor.ErrConflict), errors.Is(err, factor.ErrCorrupt):
		t.Errorf("%s with a finished context: %v, which could be mistaken for an answer", operation, err)
	}
}

// testValidation checks that an invalid record is not stored, and does not change the stored one.
func testValidation(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	version := put(t, store, key, NewRecord("alice", 1), 0)
	for name, record := range Invalid("alice") {
		if _, err := store.Put(t.Context(), key, record, version); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: Put: %v, want ErrCorrupt", name, err)
		}
		other := factor.Key{App: "wiki", User: "new"}
		record.User = "new"
		if _, err := store.Put(t.Context(), other, record, 0); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: Put of a new record: %v, want ErrCorrupt", name, err)
		}
		wantNone(t, store, other)
	}
	want(t, store, key, NewRecord("alice", 1), version)
}
