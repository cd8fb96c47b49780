package storetest

import (
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// shapes are the records that a store keeps, by the schema that they are written in.
var shapes = []struct {
	name string
	make func(user string, seed byte) factor.Record
}{{"schema 1", NewRecord}, {"schema 2", NewMixed}, {"schema 2 with a code", NewCoded}}

func testRoundTrip(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	for _, shape := range shapes {
		first := put(t, store, key, shape.make("alice", 1), 0)
		want(t, store, key, shape.make("alice", 1), first)

		second := put(t, store, key, shape.make("alice", 2), first)
		if second == first {
			t.Errorf("%s: the version did not change", shape.name)
		}
		want(t, store, key, shape.make("alice", 2), second)

		bare := shape.make("alice", 3)
		bare.Factors = append(bare.Factors[:1:1], bare.Factors[2:]...) // without recovery codes
		bare.Throttle, bare.Factors[0].Used = factor.ThrottleState{}, time.Time{}
		third := put(t, store, key, bare, second)
		want(t, store, key, bare, third)

		if err := store.Delete(t.Context(), key, third); err != nil {
			t.Fatalf("%s: Delete: %v", shape.name, err)
		}
		wantNone(t, store, key)
	}
}

// testSchemas changes a record to one that only schema 2 can hold, and back: removed secrets are gone, and the others
// stay the same.
func testSchemas(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	if NewRecord("alice", 1).Schema() != factor.Schema1 || NewMixed("alice", 1).Schema() != factor.Schema2 {
		t.Fatal("the records of this suite have the wrong schemas")
	}
	version := put(t, store, key, NewRecord("alice", 1), 0)
	version = put(t, store, key, NewMixed("alice", 1), version)
	want(t, store, key, NewMixed("alice", 1), version)
	fewer := NewMixed("alice", 1)
	fewer.Factors = fewer.Factors[2:]
	version = put(t, store, key, fewer, version)
	want(t, store, key, fewer, version)
	version = put(t, store, key, NewMixed("alice", 2), version)
	want(t, store, key, NewMixed("alice", 2), version)
	version = put(t, store, key, NewRecord("alice", 2), version)
	want(t, store, key, NewRecord("alice", 2), version)
}

// testCopies checks that what was put or got shares no memory with what is stored.
func testCopies(t *testing.T, store factor.Store) {
	for _, shape := range shapes {
		key := factor.Key{App: "wiki", User: shape.name}
		given := shape.make(key.User, 1)
		version := put(t, store, key, given, 0)
		spoil(given)
		want(t, store, key, shape.make(key.User, 1), version)
		got, _, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatalf("Get: %v", err)
		}
		again, _, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatalf("Get: %v", err)
		}
		spoil(got)
		if !equal(again, shape.make(key.User, 1)) {
			t.Error("two readings share memory")
		}
		want(t, store, key, shape.make(key.User, 1), version)

		// An earlier reading must survive later transactions of the store.
		for i := range byte(20) {
			version = put(t, store, key, shape.make(key.User, i+2), version)
		}
		if !equal(again, shape.make(key.User, 1)) {
			t.Error("an earlier reading changed when the record was written again")
		}
	}
}

func spoil(record factor.Record) {
	for i := range record.Factors {
		clear(record.Factors[i].Secret)
		clear(record.Factors[i].State)
		record.Factors[i].ID = "spoilt"
	}
	for _, device := range record.Devices {
		clear(device.Hash)
	}
	if record.Code != nil {
		clear(record.Code.Hash)
	}
}
