package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
)

func TestList(t *testing.T) {
	f := newFixture(t)
	shop := f.shared.Manager(Config{App: "shop", Now: f.clock.Now})
	ctx := context.Background()
	create := func(state gate.State, identity, browser string) string {
		f.clock.Advance(time.Minute)
		return mustCreate(t, f.Manager, Data{State: state, Identity: identity, Proofs: []Proof{{Method: "totp", At: start}}, Origin: &Origin{Address: "192.0.2.1", Browser: browser}})
	}
	mine := create(gate.Verified, "alice", "Firefox, Linux")
	other := create(gate.Verified, "alice", "Safari, iOS")
	waiting := create(gate.Pending, "alice", "Chrome, Windows")
	create(gate.Verified, "Alice", "another's")
	create(gate.Anonymous, "", "nobody's")
	mustCreate(t, shop, Data{State: gate.Verified, Identity: "alice"})
	if err := f.memory.Commit("garbage", []byte("garbage"), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}

	got, err := f.List(ctx, "alice", mine)
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if !got[0].Current || got[0].Browser != "Firefox, Linux" || got[0].Address != "192.0.2.1" || got[0].Method != "totp" {
		t.Errorf("first %+v, want the one that asks", got[0])
	}
	if got[1].Current || got[1].State != gate.Pending || got[2].Browser != "Safari, iOS" || !got[1].Seen.After(got[2].Seen) {
		t.Errorf("then %+v, want the one used last first", got[1:])
	}

	if found, err := f.DestroyOne(ctx, "alice", got[2].ID); err != nil || !found {
		t.Fatalf("end one: %v, %v", found, err)
	}
	mustBeDead(t, f.Manager, other)
	mustLoad(t, f.Manager, mine)
	mustLoad(t, f.Manager, waiting)

	// P5: an ID from another user's list ends nothing, and neither does a name that the store would know.
	for _, id := range []string{got[0].ID, storeKey(mine), mine, "", "x"} {
		if found, err := f.DestroyOne(ctx, "Alice", id); err != nil || found {
			t.Errorf("Alice ends %q: %v, %v", id, found, err)
		}
	}
	for _, id := range []string{storeKey(mine), mine, "", got[2].ID} {
		if found, err := f.DestroyOne(ctx, "alice", id); err != nil || found {
			t.Errorf("alice ends %q: %v, %v", id, found, err)
		}
	}
	mustLoad(t, f.Manager, mine)

	// The pending one ends by itself.
	f.clock.Advance(11 * time.Minute)
	if got, err := f.List(ctx, "alice", ""); err != nil || len(got) != 1 || got[0].Current {
		t.Errorf("eleven minutes later: %+v, %v", got, err)
	}
}

// TestListOfToday: a session that has expired by today's settings is not listed, although it was stored for longer.
func TestListOfToday(t *testing.T) {
	f := newFixture(t)
	mustCreate(t, f.Manager, Data{State: gate.Verified, Identity: "alice"})
	f.clock.Advance(2 * time.Minute)
	today := f.shared.Manager(Config{App: "wiki", Now: f.clock.Now, Idle: time.Minute})
	if got, err := today.List(context.Background(), "alice", ""); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestListIsBounded(t *testing.T) {
	f := newFixture(t)
	first := mustCreate(t, f.Manager, Data{State: gate.Verified, Identity: "alice"})
	for range MaxSummaries + 5 {
		f.clock.Advance(time.Second)
		mustCreate(t, f.Manager, Data{State: gate.Verified, Identity: "alice"})
	}
	if got, err := f.List(context.Background(), "alice", first); err != nil || len(got) != MaxSummaries || !got[0].Current {
		t.Errorf("%d, %v", len(got), err)
	}
}

// TestP6_ListFails: if the store cannot be asked, List returns an error and not an empty list.
func TestP6_ListFails(t *testing.T) {
	f := newFixture(t)
	broken := f.over(&hooks{CtxStore: f.memory, list: func(context.Context) error { return errors.New("down") }})
	if got, err := broken.List(context.Background(), "alice", ""); !errors.Is(err, ErrStore) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if found, err := broken.DestroyOne(context.Background(), "alice", "x"); !errors.Is(err, ErrStore) || found {
		t.Errorf("%v, %v", found, err)
	}
}
