package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
)

// TestDestroyOthers also fails if names from the store are hashed a second time, as with scs's Iterate and Destroy.
func TestDestroyOthers(t *testing.T) {
	f := newFixture(t)
	shop := f.shared.Manager(Config{App: "shop", Now: f.clock.Now})
	create := func(m *Manager, state gate.State, identity string) string {
		return mustCreate(t, m, Data{State: state, Identity: identity})
	}
	mine := create(f.Manager, gate.Verified, "alice")
	gone := []string{
		create(f.Manager, gate.Verified, "alice"),
		create(f.Manager, gate.Pending, "alice"),
		create(f.Manager, gate.Enrolling, "alice"),
	}
	stay := map[string]*Manager{
		mine: f.Manager,
		create(f.Manager, gate.Verified, "Alice"):  f.Manager,
		create(f.Manager, gate.Verified, "alice2"): f.Manager,
		create(f.Manager, gate.Anonymous, ""):      f.Manager,
		create(f.Manager, gate.Anonymous, "alice"): f.Manager,
		create(shop, gate.Verified, "alice"):       shop,
	}
	if err := f.memory.Commit("garbage", []byte("garbage"), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := f.DestroyOthers(context.Background(), "alice", mine); err != nil {
		t.Fatal(err)
	}
	for _, token := range gone {
		mustBeDead(t, f.Manager, token)
	}
	for token, m := range stay {
		mustLoad(t, m, token)
	}
	for _, keepNone := range []string{"", "x"} {
		if err := f.DestroyOthers(context.Background(), "alice", keepNone); err != nil {
			t.Fatal(err)
		}
		mustBeDead(t, f.Manager, mine)
	}
}

// TestP8_NobodyRenewsAwayFromARevocation: an attacker who has the password and a pending session keeps renewing it
// while the owner's change of factors ends it.
func TestP8_NobodyRenewsAwayFromARevocation(t *testing.T) {
	for range 20 {
		f := newFixture(t)
		const sessions = 8
		last := make([]string, sessions)
		var group sync.WaitGroup
		began := make(chan struct{}, sessions)
		for i := range sessions {
			token := mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice"})
			group.Go(func() {
				began <- struct{}{}
				for range 1000 {
					renewed, _, err := f.renew(context.Background(), token, keep)
					if errors.Is(err, ErrGone) {
						break
					}
					if err != nil {
						t.Error(err)
						break
					}
					token = renewed
				}
				last[i] = token
			})
		}
		<-began
		err := f.DestroyOthers(context.Background(), "alice", "")
		group.Wait()
		if err != nil {
			if !errors.Is(err, ErrStore) {
				t.Error(err)
			}
			continue // it reports this, which is what matters
		}
		for _, token := range last {
			mustBeDead(t, f.Manager, token)
		}
		if f.memory.Len() != 0 {
			t.Fatalf("%d sessions escaped", f.memory.Len())
		}
	}
}

// TestARenewalIsFoundInTheSecondPass fixes the moment: the new session appears after the first listing.
func TestARenewalIsFoundInTheSecondPass(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice"})
	other := mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice"})
	renewed := ""
	var once sync.Once
	m := f.over(&hooks{CtxStore: f.memory, delete: func(context.Context, string) error {
		once.Do(func() {
			// The listing has been made. The two are not deleted yet, or are about to be: renew both.
			for _, one := range []string{token, other} {
				if again, _, err := f.renew(context.Background(), one, keep); err == nil {
					renewed = again
				}
			}
		})
		return nil
	}})
	if err := m.DestroyOthers(context.Background(), "alice", ""); err != nil {
		t.Fatal(err)
	}
	if renewed == "" || f.memory.Len() != 0 {
		t.Errorf("%d sessions escaped", f.memory.Len())
	}
}

func TestDestroyOthersEnds(t *testing.T) {
	f := newFixture(t)
	mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice"})
	m := f.over(&hooks{CtxStore: f.memory, delete: func(context.Context, string) error {
		mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "alice"})
		return nil
	}})
	if err := m.DestroyOthers(context.Background(), "alice", ""); !errors.Is(err, ErrStore) {
		t.Errorf("%v", err)
	}
}
