package operator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/session"
)

// told keeps what it hears.
type told struct {
	mu     sync.Mutex
	events []event.Event
}

func (l *told) Emit(_ context.Context, e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

var grace = operator.Act{Operator: "grace", Reason: "lost her phone"}

// bench is a service over stores in memory, with one app.
type bench struct {
	*operator.Service
	store *factor.MemoryStore
	heard *told
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{store: factor.NewMemoryStore(), heard: new(told)}
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	app := operator.App{
		Name:     "wiki",
		Factors:  factor.NewService(b.store, factor.Config{App: "wiki", Kinds: []factor.Kind{totp.New("", totp.Parameters{}), recovery.New(1000)}}),
		Sessions: session.NewShared(memory).Manager(session.Config{App: "wiki"}), Events: b.heard, Throttle: factor.DefaultThrottle(),
	}
	b.Service = &operator.Service{Lister: b.store, Find: func(name string) (operator.App, bool) { return app, name == app.Name }}
	return b
}

func (b *bench) put(t *testing.T, record factor.Record) {
	t.Helper()
	if _, err := b.store.Put(t.Context(), factor.Key{App: "wiki", User: record.User}, record, 0); err != nil {
		t.Fatal(err)
	}
}

func TestStates(t *testing.T) {
	b := newBench(t)
	b.put(t, storetest.NewReady("enrolled", 1))
	b.put(t, storetest.NewWaiting("waiting"))
	b.put(t, storetest.NewReset("reset", 1))
	stopped, throttled := storetest.NewReady("stopped", 1), storetest.NewReady("throttled", 1)
	stopped.Throttle.Failures, throttled.Throttle = 100, factor.ThrottleState{Failures: 6, BlockedUntil: time.Now().Add(time.Hour)}
	b.put(t, stopped)
	b.put(t, throttled)
	for state, want := range map[operator.State][]string{
		"": {"enrolled", "reset", "stopped", "throttled", "waiting"}, operator.Enrolled: {"enrolled"}, operator.Waiting: {"reset", "waiting"},
		operator.Throttled: {"throttled"}, operator.Stopped: {"stopped"},
	} {
		var got []string
		for query := (operator.Query{State: state, Limit: 1}); ; {
			page, err := b.List(t.Context(), "wiki", query)
			if err != nil {
				t.Fatal(err)
			}
			for _, user := range page.Users {
				got = append(got, user.User)
				account, err := b.Show(t.Context(), "wiki", user.User)
				if err != nil || account.State != user.State || state != "" && user.State != state {
					t.Errorf("%s: listed as %s, shown as %s, %v", user.User, user.State, account.State, err)
				}
			}
			if query.Cursor = page.Cursor; query.Cursor == "" {
				break
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", state, got, want)
		}
	}
}

// TestNames: hostile names reach their own record only, in every act.
func TestNames(t *testing.T) {
	b := newBench(t)
	for i, name := range storetest.Names() {
		if name != "" {
			b.put(t, storetest.NewReady(name, byte(i)))
		}
	}
	for _, name := range storetest.Names() {
		if name == "" {
			continue
		}
		issued, err := b.Reset(t.Context(), "wiki", name, grace)
		if err != nil || !factor.IsOperatorCode(issued.Code) {
			t.Errorf("%q: %v", name, err)
		}
		page, err := b.List(t.Context(), "wiki", operator.Query{State: operator.Waiting})
		if err != nil || len(page.Users) != 1 || page.Users[0].User != name {
			t.Errorf("%q: %+v, %v", name, page.Users, err)
		}
		if err := b.Open(t.Context(), "wiki", name, grace); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	b := newBench(t)
	b.put(t, storetest.NewReady("alice", 1))
	acts := map[string]func(app, user string, act operator.Act) error{
		"reset": func(app, user string, act operator.Act) error {
			_, err := b.Reset(t.Context(), app, user, act)
			return err
		},
		"open":     func(app, user string, act operator.Act) error { return b.Open(t.Context(), app, user, act) },
		"unlock":   func(app, user string, act operator.Act) error { return b.Unlock(t.Context(), app, user, act) },
		"sign-out": func(app, user string, act operator.Act) error { return b.SignOut(t.Context(), app, user, act) },
		"code": func(app, user string, act operator.Act) error {
			_, err := b.Code(t.Context(), app, user, act)
			return err
		},
	}
	for name, act := range acts {
		for what, test := range map[string]struct {
			app, user string
			act       operator.Act
			want      error
		}{
			"app":                 {"git", "alice", grace, operator.ErrNoApp},
			"no user":             {"wiki", "", grace, operator.ErrNoUser},
			"no text":             {"wiki", "\xff", grace, operator.ErrNoUser},
			"no reason":           {"wiki", "alice", operator.Act{Operator: "grace", Reason: " \t"}, operator.ErrNoReason},
			"a reason of lines":   {"wiki", "alice", operator.Act{Operator: "grace", Reason: "a\nb"}, operator.ErrInvalid},
			"a reason turned":     {"wiki", "alice", operator.Act{Operator: "grace", Reason: "a\u202eb"}, operator.ErrInvalid},
			"a long reason":       {"wiki", "alice", operator.Act{Operator: "grace", Reason: strings.Repeat("x", 1001)}, operator.ErrInvalid},
			"no operator":         {"wiki", "alice", operator.Act{Reason: "x"}, operator.ErrInvalid},
			"for too long":        {"wiki", "alice", operator.Act{Operator: "grace", Reason: "x", For: 721 * time.Hour}, operator.ErrInvalid},
			"for less than it is": {"wiki", "alice", operator.Act{Operator: "grace", Reason: "x", For: -time.Hour}, operator.ErrInvalid},
		} {
			if err := act(test.app, test.user, test.act); !errors.Is(err, test.want) {
				t.Errorf("%s, %s: %v, want %v", name, what, err, test.want)
			}
		}
		if name == "code" {
			continue // which may be made for somebody who comes yet
		}
		if err := act("wiki", "nobody", grace); !errors.Is(err, operator.ErrNoUser) {
			t.Errorf("%s of nobody: %v", name, err)
		}
	}
	for _, e := range b.heard.events {
		t.Errorf("told of what was not done: %+v", e)
	}
	if _, err := b.List(t.Context(), "git", operator.Query{}); !errors.Is(err, operator.ErrNoApp) {
		t.Errorf("list: %v", err)
	}
	if _, err := b.List(t.Context(), "wiki", operator.Query{Cursor: "!"}); !errors.Is(err, operator.ErrInvalid) {
		t.Errorf("list: %v", err)
	}
	if _, err := operator.ParseState("locked"); !errors.Is(err, operator.ErrInvalid) {
		t.Errorf("state: %v", err)
	}
}

// TestP6_StoreAway: where the store is away nothing is done and nothing is told, and nobody is taken for unknown.
func TestP6_StoreAway(t *testing.T) {
	b := newBench(t)
	b.put(t, storetest.NewReady("alice", 1))
	b.store.Fail(errors.New("unplugged"))
	_, show := b.Show(t.Context(), "wiki", "alice")
	_, list := b.List(t.Context(), "wiki", operator.Query{})
	_, reset := b.Reset(t.Context(), "wiki", "alice", grace)
	_, code := b.Code(t.Context(), "wiki", "alice", grace)
	for name, err := range map[string]error{
		"show": show, "list": list, "reset": reset, "code": code, "open": b.Open(t.Context(), "wiki", "alice", grace),
		"unlock": b.Unlock(t.Context(), "wiki", "alice", grace), "sign-out": b.SignOut(t.Context(), "wiki", "alice", grace),
	} {
		if !errors.Is(err, factor.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(b.heard.events) != 0 {
		t.Errorf("told: %+v", b.heard.events)
	}
	b.store.Fail(nil)
	if account, err := b.Show(t.Context(), "wiki", "alice"); err != nil || account.State != operator.Enrolled {
		t.Errorf("afterwards: %s, %v", account.State, err)
	}
}

// TestTwoOperators reset the same account at once: both get a code, and the later one counts.
func TestTwoOperators(t *testing.T) {
	b := newBench(t)
	b.put(t, storetest.NewReady("alice", 1))
	codes := make([]string, 8)
	var group sync.WaitGroup
	for i := range codes {
		group.Go(func() {
			issued, err := b.Reset(t.Context(), "wiki", "alice", operator.Act{Operator: fmt.Sprint("operator ", i), Reason: "x"})
			if err != nil {
				t.Error(err)
			}
			codes[i] = issued.Code
		})
	}
	group.Wait()
	app, _ := b.Find("wiki")
	right := 0
	for _, code := range codes {
		if _, err := app.Factors.Help().Claim(t.Context(), "alice", code); err == nil {
			right++
		}
		if err := app.Factors.Help().Unblock(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
	}
	if right != 1 {
		t.Errorf("%d of the codes count", right)
	}
}
