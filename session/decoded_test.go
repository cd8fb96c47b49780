package session

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
)

// storedSession returns a session as a store holds it.
func storedSession(t *testing.T, change func(*Data)) []byte {
	t.Helper()
	data := verified(t)
	data.App, data.Granted = "wiki.example.com", []string{"theme"}
	change(&data)
	stored, err := encode(&data, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// TestDecodedCache_IsOfTheseBytes: an entry that was decoded from other bytes of the same token, an older state of the
// session, must never be returned for newer bytes.
func TestDecodedCache_IsOfTheseBytes(t *testing.T) {
	cache := newDecodedCache()
	states := []gate.State{gate.Verified, gate.Pending, gate.Verified, gate.Anonymous}
	for _, state := range states {
		stored := storedSession(t, func(d *Data) { d.State = state })
		for range 2 {
			data, _, err := cache.decode("token", stored)
			if err != nil || data.State != state {
				t.Fatalf("%v, %v; want %v", data, err, state)
			}
		}
	}
}

// TestDecodedCache_BytesOfTheStore: a store may reuse its bytes in place for something else.
func TestDecodedCache_BytesOfTheStore(t *testing.T) {
	cache := newDecodedCache()
	alice := storedSession(t, func(d *Data) { d.Identity = "alice" })
	carol := storedSession(t, func(d *Data) { d.Identity = "carol" })
	buffer := bytes.Clone(alice)
	if data, _, err := cache.decode("token", buffer); err != nil || data.Identity != "alice" {
		t.Fatal(data, err)
	}
	copy(buffer, carol)
	if data, _, err := cache.decode("token", buffer); err != nil || data.Identity != "carol" {
		t.Fatal(data.Identity, err)
	}
	if data, _, err := cache.decode("token", alice); err != nil || data.Identity != "alice" {
		t.Fatal(data.Identity, err)
	}
}

// TestDecodedCache_StepsOwnTheirReading: a step changes a copy of its own, and not what others have loaded.
func TestDecodedCache_StepsOwnTheirReading(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice"})
	before := mustLoad(t, f.Manager, token)
	if mustLoad(t, f.Manager, token) != before {
		t.Error("the control: what was loaded is not shared")
	}
	taken, err := f.Take(t.Context(), token, Prove(Passing{User: "alice", From: gate.Pending, At: start}))
	if err != nil || taken.After.State != gate.Verified || before.State != gate.Pending || before.Form == taken.After.Form {
		t.Errorf("%v, %v; loaded before: %v", taken.After, err, before)
	}
}

// TestDecodedCache_Bounds: damaged and huge sessions are not kept, and damaged ones stay damaged.
func TestDecodedCache_Bounds(t *testing.T) {
	cache := newDecodedCache()
	good := storedSession(t, func(*Data) {})
	if _, _, err := cache.decode("token", good); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(good)
	damaged[1] ^= 1
	for range 2 {
		if data, _, err := cache.decode("token", damaged); !errors.Is(err, errUndecodable) || data != nil {
			t.Fatal(data, err)
		}
	}
	huge := storedSession(t, func(d *Data) { d.Next = strings.Repeat("x", decodedLargest) })
	if _, _, err := cache.decode("huge", huge); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for i := range cache.slots {
		if cache.slots[i].Load() != nil {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("%d are kept", kept)
	}
}

// TestLoad_AfterTheEnd: a session that was loaded, and so is kept decoded, is gone for Load as soon as the store says
// so.
func TestLoad_AfterTheEnd(t *testing.T) {
	f := newFixture(t)
	ctx := context.Background()
	token := mustCreate(t, f.Manager, verified(t))
	if data, err := f.Load(ctx, token); data == nil || err != nil {
		t.Fatal(data, err)
	}
	if err := f.Destroy(ctx, token); err != nil {
		t.Fatal(err)
	}
	if data, err := f.Load(ctx, token); data != nil || err != nil {
		t.Fatal(data, err)
	}
}
