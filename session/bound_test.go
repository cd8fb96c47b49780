package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"sallyport.example/sallyport/gate"
)

// TestSessionsFromBefore: a node that was not replaced yet goes on with sessions of the version before. Here such a
// session counts for nothing, but a change of factors ends it all the same.
func TestSessionsFromBefore(t *testing.T) {
	f := newFixture(t)
	stored, err := encode(&Data{App: "wiki", State: gate.Verified, Identity: "alice", Created: start, Since: start, Seen: start}, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	before := append([]byte{codecBefore}, stored[1:]...)
	const token = "1234567890123456789012345678901234567890123"
	if err := f.memory.Commit(storeKey(token), before, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	mustBeDead(t, f.Manager, token)
	if err := f.DestroyOthers(t.Context(), "bob", ""); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := f.memory.Find(storeKey(token)); !found {
		t.Error("it was ended by another account's change of factors")
	}
	if err := f.DestroyOthers(t.Context(), "alice", ""); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := f.memory.Find(storeKey(token)); found {
		t.Error("a change of factors leaves it to the node from before")
	}
}

// unindexed is a store that has no index.
type unindexed struct{ scs.CtxStore }

func (u unindexed) AllCtx(ctx context.Context) (map[string][]byte, error) {
	all, ok := u.CtxStore.(scs.IterableCtxStore)
	if !ok {
		return nil, errors.New("cannot be listed")
	}
	return all.AllCtx(ctx)
}

// TestNoIndexNoBound: a sign-in does not walk over a store that has no index.
func TestNoIndexNoBound(t *testing.T) {
	f := newFixture(t)
	plain := NewShared(unindexed{f.memory}).Manager(Config{App: "wiki", Now: f.clock.Now, MaxVerified: 2})
	var tokens []string
	for range 5 {
		tokens = append(tokens, mustCreate(t, plain, Data{State: gate.Verified, Identity: "alice"}))
	}
	for _, token := range tokens {
		mustLoad(t, plain, token)
	}
	if err := plain.DestroyOthers(t.Context(), "alice", tokens[0]); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, plain, tokens[0])
	mustBeDead(t, plain, tokens[1])
}

// TestP8_SignInsDoNotFailByTheBound: if the store cannot say which sessions there are, the bound is not enforced, and
// the sign-in stands.
func TestP8_SignInsDoNotFailByTheBound(t *testing.T) {
	f := newFixture(t)
	down := &swapping{Memory: f.memory, each: func() error { return errors.New("down") }}
	mustLoad(t, f.Manager, mustCreate(t, f.over(down), Data{State: gate.Verified, Identity: "alice"}))
}

// TestBoundCountsWhatIsAlive: sessions that have ended, are in another state or belong to other accounts do not count,
// and neither does a change within a state.
func TestBoundCountsWhatIsAlive(t *testing.T) {
	f := newFixture(t)
	m := NewShared(f.memory).Manager(Config{App: "wiki", Now: f.clock.Now, MaxVerified: 3, MaxWaiting: 2})
	alice := Data{State: gate.Verified, Identity: "alice"}
	ended := mustCreate(t, m, alice)
	if err := m.Destroy(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	first := mustCreate(t, m, alice)
	for _, other := range []Data{{}, {State: gate.Verified, Identity: "Alice"}, {State: gate.Pending, Identity: "alice"}, {State: gate.Enrolling, Identity: "alice"}} {
		mustCreate(t, m, other)
	}
	f.clock.Advance(time.Second)
	second, third := mustCreate(t, m, alice), mustCreate(t, m, alice)
	for range 5 {
		if _, err := m.update(t.Context(), second, func(d *Data) error { d.Notice += "x"; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, token := range []string{first, second, third} {
		mustLoad(t, m, token)
	}
	fourth := mustCreate(t, m, alice)
	mustBeDead(t, m, first)
	for _, token := range []string{second, third, fourth} {
		mustLoad(t, m, token)
	}
	// A session that gets another identity counts for the new one.
	if _, _, err := m.renew(t.Context(), fourth, func(d *Data) error { d.Identity = "bob"; return nil }); err != nil {
		t.Fatal(err)
	}
	if listed, err := m.List(t.Context(), "bob", ""); err != nil || len(listed) != 1 {
		t.Errorf("bob has %d, %v", len(listed), err)
	}
	if listed, err := m.List(t.Context(), "alice", ""); err != nil || len(listed) != 4 {
		t.Errorf("alice has %d, %v", len(listed), err)
	}
}

// TestP8_FloodFromANetwork: an attacker has the password and an IPv6 network, and so as many addresses as she likes.
// She begins sessions until one has to go, while the owner is typing her code. The attacker's own go.
func TestP8_FloodFromANetwork(t *testing.T) {
	f := newFixture(t)
	m := NewShared(f.memory).Manager(Config{App: "wiki", Now: f.clock.Now, MaxWaiting: 4})
	waiting := func(address string) string {
		f.clock.Advance(time.Second)
		return mustCreate(t, m, Data{State: gate.Pending, Identity: "alice", Origin: &Origin{Address: address}})
	}
	hers := waiting("2001:db8:1::7")
	first := waiting("2001:db8:2:3::1")
	for i := range 20 {
		waiting(fmt.Sprintf("2001:db8:2:3::%x", i+2))
	}
	mustLoad(t, m, hers)
	mustBeDead(t, m, first)
}
