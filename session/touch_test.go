package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
)

func TestNeedsTouch(t *testing.T) {
	f := newFixture(t)
	short := f.shared.Manager(Config{App: "wiki", Idle: 20 * time.Second, Now: f.clock.Now})
	for _, test := range []struct {
		manager *Manager
		state   gate.State
		after   time.Duration
		want    bool
	}{
		{f.Manager, gate.Verified, time.Minute, true},
		{f.Manager, gate.Verified, time.Minute - 1, false},
		{f.Manager, gate.Verified, -time.Second, true}, // a clock was set back
		{f.Manager, gate.Verified, -time.Hour, true},
		{f.Manager, gate.Pending, time.Hour, false},
		{f.Manager, gate.Anonymous, time.Hour, false},
		{f.Manager, gate.Enrolling, time.Hour, false},
		{short, gate.Verified, 5 * time.Second, true},
		{short, gate.Verified, 4 * time.Second, false},
	} {
		data := &Data{State: test.state, Seen: start}
		if got := test.manager.NeedsTouch(data, start.Add(test.after)); got != test.want {
			t.Errorf("%v after %v: %v", test.state, test.after, got)
		}
	}
}

// TestTouchKeepsASessionInUse: touching keeps a session alive for its lifetime, and not longer.
func TestTouchKeepsASessionInUse(t *testing.T) {
	for _, idle := range []time.Duration{time.Hour, 20 * time.Second} {
		f := newFixture(t)
		m := f.shared.Manager(Config{App: "wiki", Idle: idle, Lifetime: 10 * idle, Now: f.clock.Now})
		token := mustCreate(t, m, verified(t))
		for range 99 {
			f.clock.Advance(idle / 10)
			data := mustLoad(t, m, token)
			if m.NeedsTouch(data, f.clock.Now()) {
				if err := m.Touch(context.Background(), token, f.clock.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		f.clock.Advance(idle / 10)
		mustBeDead(t, m, token)
		if err := m.Touch(context.Background(), token, f.clock.Now()); !errors.Is(err, ErrGone) {
			t.Errorf("%v", err)
		}
	}
}

// TestTouchWritesOnceAMinute: there is one write a minute, however many requests come at that moment.
func TestTouchWritesOnceAMinute(t *testing.T) {
	f := newFixture(t)
	token := mustCreate(t, f.Manager, verified(t))
	var commits atomic.Int32
	m := f.over(&hooks{CtxStore: f.memory, commit: func(context.Context, string, []byte, time.Time) error {
		commits.Add(1)
		return nil
	}})
	f.clock.Advance(time.Minute)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if err := m.Touch(context.Background(), token, f.clock.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if commits.Load() != 1 {
		t.Errorf("%d commits", commits.Load())
	}
	if !mustLoad(t, m, token).Seen.Equal(f.clock.Now()) {
		t.Error("not touched")
	}
}
