package session

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"sallyport.example/sallyport/gate"
)

// TestP8_LoadNeverWrites: with scs's IdleTimeout every loaded session counts as modified, and the commit at the end of
// a slow request brought destroyed sessions back.
func TestP8_LoadNeverWrites(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, verified(t))
	m := f.over(&hooks{
		CtxStore: f.memory,
		commit:   func(context.Context, string, []byte, time.Time) error { t.Error("commit"); return nil },
		delete:   func(context.Context, string) error { t.Error("delete"); return nil },
	})
	mustLoad(t, m, token)
	if err := m.Touch(context.Background(), token, f.clock.Now()); err != nil {
		t.Error(err)
	}
	f.clock.Advance(2 * time.Hour)
	if data, err := m.Load(context.Background(), token); data != nil || err != nil {
		t.Errorf("%v, %v", data, err)
	}
	if m.shared.sessions.IdleTimeout != 0 {
		t.Error("IdleTimeout is set")
	}
}

// TestP8_SlowUpdate: a slow request has read the session. Before it commits, the session ends, in the same process or
// in another one. The commit must not bring the token back.
func TestP8_SlowUpdate(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(t *testing.T, m *Manager, token string) error{
		"destroyed": func(_ *testing.T, m *Manager, token string) error { return m.Destroy(ctx, token) },
		"revoked":   func(_ *testing.T, m *Manager, _ string) error { return m.DestroyOthers(ctx, "alice", "") },
		"renewed": func(t *testing.T, m *Manager, token string) error {
			renewed, _, err := m.renew(ctx, token, keep)
			if err == nil {
				mustLoad(t, m, renewed)
			}
			return err
		},
	} {
		for _, process := range []string{"same", "other"} {
			if name == "renewed" && process == "same" {
				continue // Renew waits there: see TestP8_RenewAfterASlowUpdate
			}
			t.Run(name+"/"+process, func(t *testing.T) {
				f := newFixture(t)
				ender := f.Manager
				if process == "other" {
					ender = f.over(f.memory)
				}
				token := mustCreate(t, f.Manager, verified(t))
				data, err := f.update(ctx, token, func(data *Data) error {
					data.Notice = "late"
					return end(t, ender, token)
				})
				if !errors.Is(err, ErrGone) || data != nil {
					t.Errorf("Update = %v, %v; want ErrGone", data, err)
				}
				if errors.Is(err, ErrStore) {
					t.Error("a session that is gone is no failure of the store")
				}
				mustBeDead(t, f.Manager, token)
				f.memory.Sweep()
				mustBeDead(t, ender, token)
			})
		}
	}
}

// TestP8_SlowRenew is the same for a renewal, whose new token would be the destroyed session under another name.
func TestP8_SlowRenew(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(m *Manager, token string) error{
		"destroyed": func(m *Manager, token string) error { return m.Destroy(ctx, token) },
		"revoked":   func(m *Manager, _ string) error { return m.DestroyOthers(ctx, "alice", "") },
		"renewed":   func(m *Manager, token string) error { _, _, err := m.renew(ctx, token, keep); return err },
	} {
		for store, wrap := range map[string]func(*Memory) scs.Store{
			"claimer": func(m *Memory) scs.Store { return m },
			"ctx":     func(m *Memory) scs.Store { return &hooks{CtxStore: m} },
			"plain":   func(m *Memory) scs.Store { return struct{ scs.Store }{m} },
		} {
			t.Run(name+"/"+store, func(t *testing.T) {
				f := newFixture(t)
				slow, other := f.over(wrap(f.memory)), f.over(f.memory)
				token := mustCreate(t, slow, verified(t))
				renewed, data, err := slow.renew(ctx, token, func(*Data) error { return end(other, token) })
				if !errors.Is(err, ErrGone) || data != nil || renewed != "" {
					t.Errorf("Renew = %q, %v, %v; want ErrGone", renewed, data, err)
				}
				mustBeDead(t, slow, token)
				want := 0
				if name == "renewed" {
					want = 1
				}
				if f.memory.Len() != want {
					t.Errorf("%d sessions left, want %d", f.memory.Len(), want)
				}
			})
		}
	}
}

// TestP8_RenewAfterASlowUpdate: within a process the renewal waits, and continues with what the slow change wrote.
func TestP8_RenewAfterASlowUpdate(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, verified(t))
	inside, proceed := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_, err := f.update(context.Background(), token, func(data *Data) error {
			close(inside)
			<-proceed
			data.Notice = "slow"
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inside
	var renewed string
	group.Go(func() {
		var err error
		if renewed, _, err = f.renew(context.Background(), token, keep); err != nil {
			t.Error(err)
		}
	})
	close(proceed)
	group.Wait()
	mustBeDead(t, f.Manager, token)
	if data := mustLoad(t, f.Manager, renewed); data.Notice != "slow" && data.Notice != "" {
		t.Errorf("%q", data.Notice)
	}
}

// TestP8_OneRenewalWins: of many renewals at the same moment one wins, in one process and in several.
func TestP8_OneRenewalWins(t *testing.T) {
	for _, processes := range []int{1, 4} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			f := newFixture(t)
			managers := []*Manager{f.Manager}
			for len(managers) < processes {
				managers = append(managers, f.over(f.memory))
			}
			token := mustCreate(t, f.Manager, verified(t))
			barrier := make(chan struct{})
			won := make(chan string, 16)
			var group sync.WaitGroup
			for i := range 16 {
				group.Go(func() {
					<-barrier
					renewed, _, err := managers[i%processes].renew(context.Background(), token, func(*Data) error {
						runtime.Gosched()
						return nil
					})
					switch {
					case err == nil:
						won <- renewed
					case !errors.Is(err, ErrGone):
						t.Error(err)
					}
				})
			}
			close(barrier)
			group.Wait()
			close(won)
			if len(won) != 1 {
				t.Fatalf("%d renewals won", len(won))
			}
			mustLoad(t, f.Manager, <-won)
			if f.memory.Len() != 1 {
				t.Errorf("%d sessions left", f.memory.Len())
			}
		})
	}
}

// lazy is a store that is no Claimer, and that yields between finding and deleting.
func lazy(memory *Memory) *hooks {
	return &hooks{CtxStore: memory, delete: func(context.Context, string) error {
		for range 100 {
			runtime.Gosched()
		}
		return nil
	}}
}

// TestP8_OneRenewalWinsByTheLock: one renewal wins if the store does not decide.
func TestP8_OneRenewalWinsByTheLock(t *testing.T) {
	f := newFixture(t)
	m := f.over(lazy(f.memory))
	token := mustCreate(t, m, verified(t))
	var won atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			switch _, _, err := m.renew(context.Background(), token, keep); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrGone):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 || f.memory.Len() != 1 {
		t.Errorf("%d renewals won, %d sessions left", won.Load(), f.memory.Len())
	}
}

// claimer decides by claiming, as a store of several processes does.
type claimer struct {
	*hooks
	claimed []string
}

func (c *claimer) ClaimCtx(ctx context.Context, token string) (bool, error) {
	c.claimed = append(c.claimed, token)
	store, ok := c.CtxStore.(Claimer)
	if !ok {
		return false, errors.New("cannot claim")
	}
	return store.ClaimCtx(ctx, token)
}

// TestP8_TheStoreDecidesWhoRenews: the store decides if it can. Finding and then deleting would have two winners in two
// processes.
func TestP8_TheStoreDecidesWhoRenews(t *testing.T) {
	f := newFixture(t)
	store := &claimer{hooks: lazy(f.memory)}
	m := f.over(store)
	token := mustCreate(t, m, verified(t))
	if _, _, err := m.renew(context.Background(), token, keep); err != nil {
		t.Fatal(err)
	}
	if len(store.claimed) != 1 || store.claimed[0] != storeKey(token) {
		t.Errorf("claimed %q", store.claimed)
	}
	mustBeDead(t, m, token)
}

// TestExpiredDuringAChange: a session that expires while a slow request changes it must not come back either.
func TestExpiredDuringAChange(t *testing.T) {
	for _, renew := range []bool{false, true} {
		f := newFixture(t)
		// Made before a reload that shortened the time from an hour.
		before := f.shared.Manager(Config{App: "wiki", Pending: time.Hour, Now: f.clock.Now})
		token := mustCreate(t, before, Data{State: gate.Pending})
		var err error
		slow := func(data *Data) error {
			f.clock.Advance(10 * time.Minute)
			f.memory.Sweep()
			data.State, data.Since = gate.Verified, f.clock.Now()
			return nil
		}
		if renew {
			_, _, err = f.renew(context.Background(), token, slow)
		} else {
			_, err = f.update(context.Background(), token, slow)
		}
		if !errors.Is(err, ErrGone) {
			t.Errorf("renew %v: %v", renew, err)
		}
		mustBeDead(t, f.Manager, token)
	}
}
