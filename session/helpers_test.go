package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/testclock"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 123456789, time.UTC)

func newClock() *testclock.Clock { return testclock.New(start) }

func newMemory(t testing.TB, options MemoryOptions) *Memory {
	t.Helper()
	memory := NewMemory(options)
	t.Cleanup(func() { _ = memory.Close() })
	return memory
}

// fixture is a manager over a memory store, with one clock for everything.
type fixture struct {
	*Manager
	clock  *testclock.Clock
	memory *Memory
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	c := newClock()
	memory := newMemory(t, MemoryOptions{Now: c.Now})
	return &fixture{Manager: NewShared(memory).Manager(Config{App: "wiki", Now: c.Now}), clock: c, memory: memory}
}

// over makes a manager of the same app over another store, as another process would have.
func (f *fixture) over(store scs.Store) *Manager { return NewShared(store).Manager(f.config) }

func jar(t testing.TB, lines ...string) custody.Jar {
	t.Helper()
	var changes []custody.Change
	for _, line := range lines {
		change, ok := custody.ParseSetCookie(line)
		if !ok {
			t.Fatalf("no cookie: %q", line)
		}
		changes = append(changes, change)
	}
	next, _, err := custody.Jar{}.Apply(changes, "wiki.example.com", "/", start)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func verified(t testing.TB) Data {
	t.Helper()
	return Data{
		State: gate.Verified, Identity: "alice", Proofs: []Proof{{Method: "totp", At: start}},
		Custody: Custody{Held: jar(t, "sessionid=1kq9c2u8l0v7q2m3; HttpOnly; Path=/", "remember=f00fb4a7; Max-Age=86400")},
	}
}

func mustCreate(t testing.TB, m *Manager, data Data) string {
	t.Helper()
	token, err := m.create(context.Background(), &data)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func mustLoad(t testing.TB, m *Manager, token string) *Data {
	t.Helper()
	data, err := m.Load(context.Background(), token)
	if err != nil || data == nil {
		t.Fatalf("Load = %v, %v; want a session", data, err)
	}
	return data
}

func mustBeDead(t testing.TB, m *Manager, token string) {
	t.Helper()
	ctx := context.Background()
	if data, err := m.Load(ctx, token); err != nil || data != nil {
		t.Errorf("Load = %v, %v; want no session", data, err)
	}
	called := false
	touch := func(*Data) error { called = true; return nil }
	if data, err := m.update(ctx, token, touch); !errors.Is(err, ErrGone) || data != nil {
		t.Errorf("Update = %v, %v; want ErrGone", data, err)
	}
	if renewed, data, err := m.renew(ctx, token, touch); !errors.Is(err, ErrGone) || data != nil || renewed != "" {
		t.Errorf("Renew = %q, %v, %v; want ErrGone", renewed, data, err)
	}
	if called {
		t.Error("a dead session was handed out to be changed")
	}
}

func keep(*Data) error { return nil }

// hooks is a store over another one that does what tests want.
type hooks struct {
	scs.CtxStore
	find   func(ctx context.Context, token string) error
	commit func(ctx context.Context, token string, stored []byte, expiry time.Time) error
	delete func(ctx context.Context, token string) error
	list   func(ctx context.Context) error
}

func (h *hooks) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if h.find != nil {
		if err := h.find(ctx, token); err != nil {
			return nil, false, err
		}
	}
	return h.CtxStore.FindCtx(ctx, token)
}

func (h *hooks) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	if h.commit != nil {
		if err := h.commit(ctx, token, stored, expiry); err != nil {
			return err
		}
	}
	return h.CtxStore.CommitCtx(ctx, token, stored, expiry)
}

func (h *hooks) DeleteCtx(ctx context.Context, token string) error {
	if h.delete != nil {
		if err := h.delete(ctx, token); err != nil {
			return err
		}
	}
	return h.CtxStore.DeleteCtx(ctx, token)
}

func (h *hooks) AllCtx(ctx context.Context) (map[string][]byte, error) {
	if h.list != nil {
		if err := h.list(ctx); err != nil {
			return nil, err
		}
	}
	store, ok := h.CtxStore.(scs.IterableCtxStore)
	if !ok {
		return nil, errors.New("cannot be listed")
	}
	return store.AllCtx(ctx)
}
