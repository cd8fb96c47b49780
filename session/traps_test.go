package session

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"sallyport.example/sallyport/gate"
)

// TestASessionInTheContextIsNotTaken: scs uses the session that a context already holds, whatever token it is asked
// for. If another scs is at work, its session must be neither handed out nor overwritten.
func TestASessionInTheContextIsNotTaken(t *testing.T) {
	f := newFixture(t)
	mine, other := mustCreate(t, f.Manager, verified(t)), mustCreate(t, f.Manager, Data{State: gate.Pending, Identity: "bob"})
	ctx, err := f.shared.sessions.Load(context.Background(), mine)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := f.create(ctx, &Data{}); !errors.Is(err, ErrGone) || token != "" {
		t.Errorf("Create = %v", err)
	}
	if data, err := f.update(ctx, other, keep); !errors.Is(err, ErrGone) || data != nil {
		t.Errorf("Update = %v, %v", data, err)
	}
	if mustLoad(t, f.Manager, mine).Identity != "alice" || mustLoad(t, f.Manager, other).Identity != "bob" {
		t.Error("sessions were mixed up")
	}
}

// TestThePastNeverReachesAStore: goredisstore keeps an expired session for ever.
func TestThePastNeverReachesAStore(t *testing.T) {
	f := newFixture(t)
	m := f.over(&hooks{CtxStore: f.memory, commit: func(_ context.Context, _ string, _ []byte, expiry time.Time) error {
		if !expiry.After(f.clock.Now()) {
			t.Errorf("a commit that ends at %v", expiry)
		}
		return nil
	}})
	past := func(data *Data) error { data.Since, data.State = start.Add(-time.Hour), gate.Pending; return nil }
	token := mustCreate(t, m, verified(t))
	if _, err := m.create(context.Background(), &Data{Since: start.Add(-time.Hour), State: gate.Pending}); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if _, err := m.update(context.Background(), token, past); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if _, _, err := m.renew(context.Background(), token, past); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

// TestNoLostUpdate: answers come in parallel, and each brings another cookie. scs has no compare-and-set: with it, a
// counter stood at 1 after 200 parallel attempts.
func TestNoLostUpdate(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, Data{})
	// A reload happens meanwhile: there are two managers of one Shared.
	managers := []*Manager{f.Manager, f.shared.Manager(f.config)}
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			_, err := managers[i%2].update(context.Background(), token, func(data *Data) error {
				added := jar(t, fmt.Sprintf("cookie%d=%d; HttpOnly", i, i))
				data.Granted = append(data.Granted, added.Names()...)
				runtime.Gosched()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	for _, name := range mustLoad(t, f.Manager, token).Granted {
		seen[name] = true
	}
	if len(seen) != 64 {
		t.Errorf("%d of 64 changes are left", len(seen))
	}
}

// TestCommitOrder: of two changes, the one that read later is committed later, even if the first commit is slow.
func TestCommitOrder(t *testing.T) {
	f := newFixture(t)
	committing, proceed := make(chan struct{}), make(chan struct{})
	first := true
	token := mustCreate(t, f.Manager, Data{})
	m := f.over(&hooks{CtxStore: f.memory, commit: func(context.Context, string, []byte, time.Time) error {
		if first { // guarded by the token's lock, or else the race detector reports it
			first = false
			close(committing)
			<-proceed
		}
		return nil
	}})
	var group sync.WaitGroup
	add := func(text string) {
		_, err := m.update(context.Background(), token, func(data *Data) error { data.Notice += text; return nil })
		if err != nil {
			t.Error(err)
		}
	}
	group.Go(func() { add("first ") })
	<-committing
	group.Go(func() { add("second") })
	for range 100 {
		runtime.Gosched()
	}
	close(proceed)
	group.Wait()
	if got := mustLoad(t, m, token).Notice; got != "first second" {
		t.Errorf("left is %q", got)
	}
}

// TestHangingUpLosesNothing: stores that honour the request's context lost the commit when the browser hung up.
func TestHangingUpLosesNothing(t *testing.T) {
	f := newFixture(t)
	strict := func(ctx context.Context) error { return ctx.Err() }
	var listed bool
	m := f.over(&hooks{
		CtxStore: f.memory,
		find:     func(ctx context.Context, _ string) error { return strict(ctx) },
		commit: func(ctx context.Context, _ string, _ []byte, _ time.Time) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a commit without an end")
			}
			return strict(ctx)
		},
		delete: func(ctx context.Context, _ string) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a deletion without an end")
			}
			return strict(ctx)
		},
		list: func(ctx context.Context) error { listed = true; return strict(ctx) },
	})
	gone, hangUp := context.WithCancel(context.Background())
	hangUp()
	alices := verified(t)
	token, err := m.create(gone, &alices)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := m.Load(gone, token); !errors.Is(err, ErrStore) || !errors.Is(err, context.Canceled) || data != nil {
		t.Errorf("Load = %v, %v", data, err)
	}
	if _, err := m.update(gone, token, func(data *Data) error { data.Notice = "kept"; return nil }); err != nil {
		t.Error(err)
	}
	during, hangUp := context.WithCancel(context.Background())
	if _, err := m.update(during, token, func(data *Data) error { hangUp(); data.Next = "/kept"; return nil }); err != nil {
		t.Error(err)
	}
	f.clock.Advance(2 * time.Minute)
	if err := m.Touch(gone, token, f.clock.Now()); err != nil {
		t.Error(err)
	}
	renewed, _, err := m.renew(gone, token, keep)
	if err != nil {
		t.Fatal(err)
	}
	data := mustLoad(t, m, renewed)
	if data.Notice != "kept" || data.Next != "/kept" || !data.Seen.Equal(f.clock.Now()) {
		t.Errorf("%v", data)
	}
	if err := m.DestroyOthers(gone, "alice", renewed); err != nil || !listed {
		t.Error(err)
	}
	if err := m.Destroy(gone, renewed); err != nil {
		t.Error(err)
	}
	mustBeDead(t, m, renewed)
}

// TestP6_AFailingStoreIsAnError: it never counts as "no such session", and what was stored is there when the store
// works again.
func TestP6_AFailingStoreIsAnError(t *testing.T) {
	ctx := context.Background()
	down := errors.New("connection refused")
	for _, part := range []string{"find", "commit", "delete", "list"} {
		t.Run(part, func(t *testing.T) {
			f := newFixture(t)
			token := mustCreate(t, f.Manager, verified(t))
			before := *mustLoad(t, f.Manager, token)
			broken := func(name string) error {
				if name == part {
					return down
				}
				return nil
			}
			m := f.over(&hooks{
				CtxStore: f.memory,
				find:     func(context.Context, string) error { return broken("find") },
				commit:   func(context.Context, string, []byte, time.Time) error { return broken("commit") },
				delete:   func(context.Context, string) error { return broken("delete") },
				list:     func(context.Context) error { return broken("list") },
			})
			change := func(data *Data) error { data.Notice = "changed"; return nil }
			_, loadErr := m.Load(ctx, token)
			_, createErr := m.create(ctx, &Data{})
			_, renewErr := error(nil), error(nil)
			var renewed string
			if part != "list" {
				renewed, _, renewErr = m.renew(ctx, token, change)
			}
			_, updateErr := error(nil), error(nil)
			if part == "find" || part == "commit" {
				_, updateErr = m.update(ctx, token, change)
			}
			var destroyErr error
			if part == "delete" {
				destroyErr = m.Destroy(ctx, token)
			}
			mustCreate(t, f.Manager, verified(t))
			othersErr := error(nil)
			if part == "list" || part == "delete" {
				othersErr = m.DestroyOthers(ctx, "alice", token)
			}
			for _, test := range []struct {
				what string
				err  error
				in   string
			}{
				{"Load", loadErr, "find"},
				{"Create", createErr, "commit"},
				{"Renew", renewErr, "find commit delete"},
				{"Update", updateErr, "find commit"},
				{"Destroy", destroyErr, "delete"},
				{"DestroyOthers", othersErr, "list delete"},
			} {
				fails := false
				for _, one := range splitWords(test.in) {
					fails = fails || one == part
				}
				if fails != (test.err != nil) || fails && (!errors.Is(test.err, ErrStore) || !errors.Is(test.err, down)) ||
					errors.Is(test.err, ErrGone) {
					t.Errorf("%s: %v", test.what, test.err)
				}
			}
			if renewed != "" {
				t.Error("a token beside an error")
			}
			if part != "list" {
				if data := mustLoad(t, f.Manager, token); data.Notice != before.Notice || data.Form != before.Form {
					t.Error("the old session was changed")
				}
			}
		})
	}
}

func splitWords(text string) (words []string) {
	word := ""
	for _, r := range text + " " {
		if r != ' ' {
			word += string(r)
			continue
		}
		words = append(words, word)
		word = ""
	}
	return words
}

// TestSharedStartsNothing: scs.New starts a clean-up goroutine at every call, which a reload would leave behind.
func TestSharedStartsNothing(t *testing.T) {
	f := newFixture(t)
	before := runtime.NumGoroutine()
	for range 200 {
		mustCreate(t, f.over(f.memory), Data{})
	}
	if after := runtime.NumGoroutine(); after > before+20 {
		t.Errorf("%d goroutines more", after-before)
	}
}

// TestP9_TheStoreLearnsNoToken: scs stores tokens in clear unless it is told not to, and a reader of the store could
// then go on with anybody's session. Also, what is stored is no gob.
func TestP9_TheStoreLearnsNoToken(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, verified(t))
	all, err := f.memory.All()
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	for key, stored := range all {
		if key == token || key != storeKey(token) {
			t.Errorf("stored under %q", key)
		}
		if stored[0] != codecVersion {
			t.Errorf("stored with another codec: %x", stored[:8])
		}
	}
}

// TestStoreKeyIsThatOfSCS: Load names sessions itself, and the name must be the one that scs gives them.
func TestStoreKeyIsThatOfSCS(t *testing.T) {
	memory := newMemory(t, MemoryOptions{})
	sessions := &scs.SessionManager{Lifetime: time.Hour, Store: memory, Codec: scs.GobCodec{}, HashTokenInStore: true}
	for range 100 {
		ctx, err := sessions.Load(context.Background(), "")
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := sessions.Commit(ctx)
		if err != nil || !wellFormed(token) {
			t.Fatalf("%q, %v", token, err)
		}
		if _, found, err := memory.Find(storeKey(token)); err != nil || !found {
			t.Fatalf("%q is not stored under %q", token, storeKey(token))
		}
	}
}

// scribbler is a store that returns its own memory and reuses it, as boltstore did.
type scribbler struct {
	scs.CtxStore
	last []byte
}

func (s *scribbler) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	for i := range s.last {
		s.last[i] = 'X'
	}
	stored, found, err := s.CtxStore.FindCtx(ctx, token)
	s.last = append([]byte(nil), stored...)
	return s.last, found, err
}

// TestOtherSessionsBytes: boltstore returned bbolt's memory after the transaction, so other sessions' bytes became
// visible.
func TestOtherSessionsBytes(t *testing.T) {
	f := newFixture(t)
	given := *fullData(t)
	given.App, given.State = "wiki", gate.Pending
	given.Since = start
	token := mustCreate(t, f.Manager, given)
	m := f.over(&scribbler{CtxStore: f.memory})
	first := mustLoad(t, m, token)
	mustLoad(t, m, token)
	first.Seen = start
	if first.Identity != given.Identity || first.Form != given.Form || string(first.Proposal) != string(given.Proposal) ||
		first.Granted[0] != "theme" || string(first.Delivery.Body) != string(given.Delivery.Body) ||
		string(first.Held.Encode(nil)) != string(given.Held.Encode(nil)) {
		t.Error("what was loaded changed under our hands")
	}
}

// TestPlainStore: a store without contexts works too. A store that keeps no tombstones is still safe within a process,
// where the lock decides.
func TestPlainStore(t *testing.T) {
	f := newFixture(t)
	m := f.over(struct{ scs.Store }{f.memory})
	token := mustCreate(t, m, verified(t))
	mustLoad(t, m, token)
	if _, err := m.update(context.Background(), token, keep); err != nil {
		t.Error(err)
	}
	renewed, _, err := m.renew(context.Background(), token, keep)
	if err != nil {
		t.Fatal(err)
	}
	mustBeDead(t, m, token)
	if err := m.DestroyOthers(context.Background(), "alice", ""); !errors.Is(err, ErrStore) {
		t.Errorf("a store that cannot be listed: %v", err)
	}
	if err := m.Destroy(context.Background(), renewed); err != nil {
		t.Error(err)
	}
	mustBeDead(t, m, renewed)
}
