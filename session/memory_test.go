package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"

	"sallyport.example/sallyport/gate"
)

var (
	_ scs.CtxStore         = (*Memory)(nil)
	_ scs.IterableStore    = (*Memory)(nil)
	_ scs.IterableCtxStore = (*Memory)(nil)
	_ Claimer              = (*Memory)(nil)
)

func expectFind(t *testing.T, m *Memory, token, want string) {
	t.Helper()
	got, found, err := m.Find(token)
	if err != nil || found != (want != "") || string(got) != want {
		t.Errorf("Find(%q) = %q, %v, %v; want %q", token, got, found, err, want)
	}
}

func expectCommit(t *testing.T, m *Memory, token, stored string, expiry time.Time, want error) {
	t.Helper()
	if err := m.Commit(token, []byte(stored), expiry); !errors.Is(err, want) {
		t.Errorf("Commit(%q) = %v, want %v", token, err, want)
	}
}

func TestMemoryFindAndCommit(t *testing.T) {
	c := newClock()
	m := newMemory(t, MemoryOptions{Now: c.Now})
	expectFind(t, m, "a", "")
	expectCommit(t, m, "a", "one", start.Add(time.Minute), nil)
	expectCommit(t, m, "b", "other", start.Add(time.Minute), nil)
	expectFind(t, m, "a", "one")
	expectCommit(t, m, "a", "two", start.Add(time.Hour), nil)
	expectFind(t, m, "a", "two")
	expectFind(t, m, "b", "other")
	c.Advance(time.Minute)
	expectFind(t, m, "b", "")
	expectFind(t, m, "a", "two")
	if all, err := m.All(); err != nil || len(all) != 1 || string(all["a"]) != "two" {
		t.Errorf("All = %q, %v", all, err)
	}
	if got := m.String(); got != "memory(2 sessions)" {
		t.Errorf("String = %q", got)
	}
}

// TestMemoryKeepsCopies: boltstore returned memory that later held other sessions' bytes.
func TestMemoryKeepsCopies(t *testing.T) {
	m := newMemory(t, MemoryOptions{})
	given := []byte("one")
	if err := m.Commit("a", given, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	copy(given, "XXX")
	if got, _, _ := m.Find("a"); cap(got) != len(got) {
		t.Error("what was found can be appended to in place")
	}
	expectFind(t, m, "a", "one")
}

// TestP8_MemoryTombstones: a slow request ends with a commit. A token that was deleted meanwhile must stay dead.
func TestP8_MemoryTombstones(t *testing.T) {
	for name, test := range map[string]struct{ life, dead time.Duration }{
		"short session": {time.Minute, 24 * time.Hour},
		"long session":  {72 * time.Hour, 72 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			m := newMemory(t, MemoryOptions{Now: c.Now})
			expectCommit(t, m, "a", "one", start.Add(test.life), nil)
			if err := m.Delete("a"); err != nil {
				t.Fatal(err)
			}
			expectFind(t, m, "a", "")
			far := start.Add(10000 * time.Hour)
			expectCommit(t, m, "a", "two", far, ErrGone)
			c.Advance(test.dead - time.Nanosecond)
			m.Sweep()
			expectCommit(t, m, "a", "two", far, ErrGone)
			expectFind(t, m, "a", "")
			c.Advance(time.Nanosecond)
			expectCommit(t, m, "a", "two", far, nil)
		})
	}
}

// TestMemoryUnknownTokensLeaveNothing: anybody can sign out with tokens that never existed.
func TestMemoryUnknownTokensLeaveNothing(t *testing.T) {
	m := newMemory(t, MemoryOptions{})
	for i := range 1000 {
		if err := m.Delete(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range m.shards {
		if len(m.shards[i].dead) != 0 {
			t.Fatal("a tombstone for a token that never lived")
		}
	}
}

// TestMemoryRefusesThePast: goredisstore stores an expired session without an end.
func TestMemoryRefusesThePast(t *testing.T) {
	c := newClock()
	m := newMemory(t, MemoryOptions{Now: c.Now})
	expectCommit(t, m, "a", "one", start, ErrGone)
	expectCommit(t, m, "a", "one", time.Time{}, ErrGone)
	expectCommit(t, m, "b", "one", start.Add(time.Second), nil)
	expectCommit(t, m, "b", "two", start, ErrGone)
	expectFind(t, m, "a", "")
	expectFind(t, m, "b", "one")
}

func TestMemoryClaim(t *testing.T) {
	c := newClock()
	m := newMemory(t, MemoryOptions{Now: c.Now})
	claim := func(token string, want bool) {
		t.Helper()
		if got, err := m.ClaimCtx(context.Background(), token); err != nil || got != want {
			t.Errorf("ClaimCtx(%q) = %v, %v", token, got, err)
		}
	}
	claim("unknown", false)
	expectCommit(t, m, "a", "one", start.Add(time.Hour), nil)
	claim("a", true)
	claim("a", false)
	expectCommit(t, m, "a", "one", start.Add(time.Hour), ErrGone)
	expectCommit(t, m, "b", "one", start.Add(time.Hour), nil)
	c.Advance(time.Hour)
	claim("b", false)

	expectCommit(t, m, "c", "one", start.Add(9*time.Hour), nil)
	var winners sync.WaitGroup
	won := make(chan bool, 50)
	for range 50 {
		winners.Go(func() {
			claimed, _ := m.ClaimCtx(context.Background(), "c")
			won <- claimed
		})
	}
	winners.Wait()
	close(won)
	total := 0
	for claimed := range won {
		if claimed {
			total++
		}
	}
	if total != 1 {
		t.Errorf("%d claims won", total)
	}
}

func TestMemorySweeps(t *testing.T) {
	c := newClock()
	m := newMemory(t, MemoryOptions{Now: c.Now})
	const many = 64 * 600
	for i := range many {
		expectCommit(t, m, fmt.Sprint(i), "x", start.Add(time.Minute), nil)
	}
	expectCommit(t, m, "stays", "y", start.Add(time.Hour), nil)
	expectCommit(t, m, "goes", "y", start.Add(time.Hour), nil)
	_ = m.Delete("goes")
	if m.Len() != many+1 {
		t.Fatalf("%d sessions", m.Len())
	}
	c.Advance(time.Minute)
	m.Sweep()
	if m.Len() != 1 {
		t.Errorf("%d sessions left", m.Len())
	}
	for i := range m.shards {
		if m.shards[i].peak > 2 {
			t.Errorf("shard %d keeps the room for %d", i, m.shards[i].peak)
		}
	}
	expectFind(t, m, "stays", "y")
	c.Advance(25 * time.Hour)
	m.Sweep()
	for i := range m.shards {
		if len(m.shards[i].dead)+len(m.shards[i].live) != 0 {
			t.Errorf("shard %d is not empty", i)
		}
	}
}

// TestMemoryCleansUpByItself also fails if Close leaves the goroutine behind, because the bubble waits for it.
func TestMemoryCleansUpByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(MemoryOptions{})
		expectCommit(t, m, "a", "one", time.Now().Add(30*time.Second), nil)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if m.Len() != 0 {
			t.Error("an expired session is still there")
		}
		for range 2 {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			select {
			case <-m.stopped:
			default:
				t.Error("Close did not wait")
			}
		}
		expectCommit(t, m, "b", "two", time.Now().Add(time.Hour), nil)
		expectFind(t, m, "b", "two")
	})
}

func storedAs(t testing.TB, state gate.State) []byte {
	t.Helper()
	stored, err := encode(&Data{State: state, Identity: "alice"}, start)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// TestMemoryIsBounded: a flood of strangers must neither fill the memory nor push out users who have signed in.
func TestMemoryIsBounded(t *testing.T) {
	c := newClock()
	// Sessions are spread at random over 64 parts. With eight in each, one part was full of verified ones now and then.
	const bound = 64 * 16
	m := newMemory(t, MemoryOptions{Max: bound, Now: c.Now})
	hour := start.Add(time.Hour)
	commit := func(kind string, state gate.State, i int) error {
		return m.Commit(fmt.Sprintf("%s %d", kind, i), storedAs(t, state), hour)
	}
	count := func(kind string) (n int) {
		all, _ := m.All()
		for token := range all {
			if strings.HasPrefix(token, kind) {
				n++
			}
		}
		return n
	}
	for i := range 100 {
		if err := commit("verified", gate.Verified, i); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 * bound {
		if err := commit("anonymous", gate.Anonymous, i); err != nil {
			t.Fatal(err)
		}
	}
	if m.Len() > bound || count("verified") != 100 {
		t.Fatalf("%d sessions, %d verified", m.Len(), count("verified"))
	}
	for i := range 20 * bound {
		if err := commit("pending", gate.Pending, i); err != nil {
			t.Fatal(err)
		}
	}
	if m.Len() > bound || count("verified") != 100 || count("anonymous") != 0 {
		t.Fatalf("%d sessions, %d verified, %d anonymous", m.Len(), count("verified"), count("anonymous"))
	}
	if err := commit("late", gate.Anonymous, 1); !errors.Is(err, ErrFull) {
		t.Errorf("a stranger pushed out a pending session: %v", err)
	}
	full := 0
	for i := range 20 * bound {
		switch err := commit("more", gate.Verified, i); {
		case errors.Is(err, ErrFull):
			full++
		case err != nil:
			t.Fatal(err)
		}
	}
	if m.Len() > bound || count("verified") != 100 || count("pending") != 0 || full != 20*bound-(bound-100) {
		t.Errorf("%d sessions, %d verified, %d pending, %d refused", m.Len(), count("verified"), count("pending"), full)
	}
	if err := commit("verified", gate.Verified, 1); err != nil {
		t.Errorf("a known session cannot be changed when the store is full: %v", err)
	}
	c.Advance(time.Hour)
	hour = hour.Add(time.Hour)
	if err := commit("late", gate.Anonymous, 2); err != nil {
		t.Errorf("expired sessions are in the way: %v", err)
	}
}

func TestMemoryTombstonesAreBounded(t *testing.T) {
	const bound = 64 * 8
	m := newMemory(t, MemoryOptions{Max: bound})
	for i := range 20 * bound {
		token := fmt.Sprint(i)
		expectCommit(t, m, token, "x", time.Now().Add(time.Hour), nil)
		if err := m.Delete(token); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	for i := range m.shards {
		total += len(m.shards[i].dead)
	}
	if total > bound || total < bound/2 {
		t.Errorf("%d tombstones", total)
	}
}

func TestMemoryInParallel(t *testing.T) {
	m := newMemory(t, MemoryOptions{Max: 64})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 300 {
				token := fmt.Sprint((worker + i) % 100)
				switch i % 5 {
				case 0, 1:
					_ = m.Commit(token, []byte(token), time.Now().Add(time.Hour))
				case 2:
					_, _ = m.All()
				case 3:
					_ = m.Delete(token)
				}
				if got, found, _ := m.Find(token); found && string(got) != token {
					t.Errorf("Find(%q) = %q", token, got)
				}
				m.Sweep()
			}
		})
	}
	group.Wait()
}
