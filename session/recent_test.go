package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/testclock"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// TestRecentConformance: for the process that uses it, a Recent is a store like the one behind it.
func TestRecentConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *storetest.Body {
		clock := storetest.NewClock()
		memory := session.NewMemory(session.MemoryOptions{Now: clock.Now, Strangers: 6400})
		t.Cleanup(func() { _ = memory.Close() })
		recent := session.NewRecent(memory, clock.Now)
		return &storetest.Body{
			Open:    func() session.Store { return recent },
			Now:     clock.Now,
			Advance: clock.Advance, Strangers: 6400, OwnTombstones: true,
			Stored: func() int {
				memory.Sweep()
				return memory.Len() + memory.Tombstones()
			},
		}
	})
}

// counted is a distant store: it counts calls, can be unreachable, and can wait in the middle of a call.
type counted struct {
	*session.Memory
	asked  atomic.Int64
	away   atomic.Bool
	midway atomic.Pointer[func()]
}

var errAway = errors.New("connection refused")

func (c *counted) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	c.asked.Add(1)
	if c.away.Load() {
		return nil, false, errAway
	}
	stored, found, err := c.Memory.FindCtx(ctx, token)
	if wait := c.midway.Swap(nil); wait != nil {
		(*wait)()
	}
	return stored, found, err
}

// nodes are two processes over one store.
type nodes struct {
	clock *testclock.Clock
	store *counted
	here  *session.Manager
	there *session.Manager
	token string
}

func newNodes(t *testing.T) *nodes {
	t.Helper()
	n := &nodes{clock: storetest.NewClock()}
	memory := session.NewMemory(session.MemoryOptions{Now: n.clock.Now})
	t.Cleanup(func() { _ = memory.Close() })
	n.store = &counted{Memory: memory}
	manager := func() *session.Manager {
		return session.NewShared(session.NewRecent(n.store, n.clock.Now)).Manager(session.Config{App: "a", Now: n.clock.Now})
	}
	n.here, n.there = manager(), manager()
	var err error
	if n.token, err = storetest.Create(t.Context(), n.here, session.Data{State: gate.Verified, Identity: "alice"}); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *nodes) alive(t *testing.T, m *session.Manager) bool {
	t.Helper()
	data, err := m.Load(t.Context(), n.token)
	if err != nil {
		t.Fatal(err)
	}
	return data != nil
}

// TestP8_EndedElsewhere: a session that is ended at one node is over at the other within a second, and at once at the
// node that ended it.
func TestP8_EndedElsewhere(t *testing.T) {
	ends := map[string]func(n *nodes) error{
		"signed out": func(n *nodes) error { return n.there.Destroy(t.Context(), n.token) },
		"revoked":    func(n *nodes) error { return n.there.DestroyOthers(t.Context(), "alice", "") },
		"renewed": func(n *nodes) error {
			_, _, err := storetest.Renew(t.Context(), n.there, n.token, func(*session.Data) error { return nil })
			return err
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			n := newNodes(t)
			if !n.alive(t, n.here) || !n.alive(t, n.there) {
				t.Fatal("it is not alive")
			}
			if err := end(n); err != nil {
				t.Fatal(err)
			}
			if n.alive(t, n.there) {
				t.Error("it is alive where it was ended")
			}
			n.clock.Advance(session.MaxRecent)
			if n.alive(t, n.here) {
				t.Error("it is alive at the other node after a second")
			}
		})
	}
}

// TestP8_EndedWhileItIsRead: the store was asked before the session ended, and its answer comes afterwards.
func TestP8_EndedWhileItIsRead(t *testing.T) {
	n := newNodes(t)
	end := func() {
		if err := n.here.Destroy(t.Context(), n.token); err != nil {
			t.Error(err)
		}
	}
	n.store.midway.Store(&end)
	n.alive(t, n.here) // the answer was on its way
	if n.alive(t, n.here) {
		t.Error("a dead session was remembered")
	}
}

// TestRecentSpares: a session in use causes one call a second. No answer comes from memory for longer, not even if the
// clock is set back.
func TestRecentSpares(t *testing.T) {
	n := newNodes(t)
	n.store.asked.Store(0)
	for range 100 {
		n.alive(t, n.here)
		n.clock.Advance(5 * time.Millisecond)
	}
	if asked := n.store.asked.Load(); asked != 1 {
		t.Errorf("%d questions in half a second", asked)
	}
	n.clock.Advance(-time.Minute)
	n.alive(t, n.here)
	if asked := n.store.asked.Load(); asked != 2 {
		t.Errorf("%d questions after the clock was set back", asked)
	}
}

// TestP6_RecentWhileTheStoreIsAway: a session that was valid a moment ago is valid for the rest of its moment. Then
// there is an error, which says nothing about the session. Sessions that are not verified get the error at once.
func TestP6_RecentWhileTheStoreIsAway(t *testing.T) {
	n := newNodes(t)
	n.alive(t, n.here)
	n.store.away.Store(true)
	if !n.alive(t, n.here) {
		t.Error("the second is not over")
	}
	n.clock.Advance(session.MaxRecent)
	if data, err := n.here.Load(t.Context(), n.token); data != nil || !errors.Is(err, session.ErrStore) {
		t.Errorf("%v %v", data, err)
	}
	n.store.away.Store(false)
	for _, state := range []gate.State{gate.Anonymous, gate.Pending, gate.Enrolling} {
		token, err := storetest.Create(t.Context(), n.here, session.Data{State: state, Identity: "bob"})
		if err != nil {
			t.Fatal(err)
		}
		n.store.asked.Store(0)
		for range 3 {
			if data, err := n.here.Load(t.Context(), token); data == nil || err != nil {
				t.Fatal(data, err)
			}
		}
		if asked := n.store.asked.Load(); asked != 3 {
			t.Errorf("%v: %d questions for 3 looks", state, asked)
		}
	}
}

// TestP8_LoadNow: the code that watches a stream must ask the store itself and not the memory of a moment ago.
// Otherwise it would cut too late.
func TestP8_LoadNow(t *testing.T) {
	n := newNodes(t)
	n.alive(t, n.here)
	if err := n.there.Destroy(t.Context(), n.token); err != nil {
		t.Fatal(err)
	}
	if !n.alive(t, n.here) {
		t.Fatal("nothing is remembered, so that this shows nothing")
	}
	if data, err := n.here.LoadNow(t.Context(), n.token); data != nil || err != nil {
		t.Errorf("%v, %v", data, err)
	}
	n.store.away.Store(true)
	if data, err := n.here.LoadNow(t.Context(), n.token); data != nil || !errors.Is(err, session.ErrStore) {
		t.Errorf("%v, %v", data, err)
	}
}

// TestRecentIsBounded: however many sessions are in use, a Recent remembers a bounded number, and makes room as time
// goes on.
func TestRecentIsBounded(t *testing.T) {
	n := newNodes(t)
	const many = 40_000
	tokens := make([]string, many)
	for i := range tokens {
		var err error
		if tokens[i], err = storetest.Create(t.Context(), n.there, session.Data{State: gate.Verified, Identity: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	n.store.asked.Store(0)
	for range 2 {
		for _, token := range tokens {
			if data, err := n.here.Load(t.Context(), token); data == nil || err != nil {
				t.Fatal(data, err)
			}
		}
	}
	if asked := n.store.asked.Load(); asked < many+many/2 || asked > 2*many-10_000 {
		t.Errorf("%d questions for %d sessions, twice each", asked, many)
	}
	n.clock.Advance(2 * session.MaxRecent)
	n.store.asked.Store(0)
	for range 3 {
		n.alive(t, n.here)
	}
	if asked := n.store.asked.Load(); asked != 1 {
		t.Errorf("there is no room after a while: %d questions", asked)
	}
}
