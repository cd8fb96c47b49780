package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/gate"
)

// swapping is a store with compare-and-set, over another one, that does what tests want.
type swapping struct {
	*Memory
	find func() error
	swap func() error
	move func() error
	each func() error
}

func (s *swapping) FindVersionCtx(ctx context.Context, token string) ([]byte, Version, bool, error) {
	if s.find != nil {
		if err := s.find(); err != nil {
			return nil, Version{}, false, err
		}
	}
	return s.Memory.FindVersionCtx(ctx, token)
}

func (s *swapping) SwapCtx(ctx context.Context, token string, expected Version, stored []byte, expiry time.Time) error {
	if s.swap != nil {
		if err := s.swap(); err != nil {
			return err
		}
	}
	return s.Memory.SwapCtx(ctx, token, expected, stored, expiry)
}

func (s *swapping) MoveCtx(
	ctx context.Context, token string, expected Version, newToken string, stored []byte, expiry time.Time,
) error {
	if s.move != nil {
		if err := s.move(); err != nil {
			return err
		}
	}
	return s.Memory.MoveCtx(ctx, token, expected, newToken, stored, expiry)
}

func (s *swapping) OwnedCtx(ctx context.Context, owners []Owner, visit func(string, []byte) error) error {
	if s.each != nil {
		if err := s.each(); err != nil {
			return err
		}
	}
	return s.Memory.OwnedCtx(ctx, owners, visit)
}

func (s *swapping) CommitCtx(context.Context, string, []byte, time.Time) error {
	return errors.New("a commit without conditions")
}

// TestAChangeThatWasOvertakenIsMadeAgain: the change is repeated on top of what the other process wrote.
func TestAChangeThatWasOvertakenIsMadeAgain(t *testing.T) {
	for _, renew := range []bool{false, true} {
		t.Run(fmt.Sprint(renew), func(t *testing.T) {
			f := newFixture(t)
			m, other := f.over(&swapping{Memory: f.memory}), f.over(f.memory)
			token := mustCreate(t, m, Data{State: gate.Pending, Identity: "alice"})
			calls := 0
			change := func(data *Data) error {
				if calls++; calls <= 3 {
					_, err := other.update(context.Background(), token, func(data *Data) error {
						data.Granted = append(data.Granted, fmt.Sprint("other", calls))
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
				data.Granted = append(data.Granted, "mine")
				return nil
			}
			var data *Data
			var err error
			if renew {
				token, data, err = m.renew(context.Background(), token, change)
			} else {
				data, err = m.update(context.Background(), token, change)
			}
			if err != nil || calls != 4 {
				t.Fatalf("%d calls, %v", calls, err)
			}
			for _, got := range []*Data{data, mustLoad(t, other, token)} {
				if fmt.Sprint(got.Granted) != "[other1 other2 other3 mine]" {
					t.Errorf("left is %q", got.Granted)
				}
			}
			if f.memory.Len() != 1 {
				t.Errorf("%d sessions", f.memory.Len())
			}
		})
	}
}

// TestP6_OvertakenForEver: if a store never accepts the change, the result is an error and not an endless loop.
func TestP6_OvertakenForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := NewMemory(MemoryOptions{})
		defer memory.Close()
		store := &swapping{Memory: memory}
		m := NewShared(store).Manager(Config{App: "wiki"})
		token := mustCreate(t, m, verified(t))
		store.swap = func() error { return ErrChanged }
		store.move = store.swap
		for _, renew := range []bool{false, true} {
			began := time.Now()
			var err error
			if renew {
				_, _, err = m.renew(context.Background(), token, keep)
			} else {
				_, err = m.update(context.Background(), token, keep)
			}
			if !errors.Is(err, ErrStore) || errors.Is(err, ErrChanged) || errors.Is(err, ErrGone) {
				t.Errorf("%v, want ErrStore", err)
			}
			if took := time.Since(began); took < writeTimeout || took > 2*writeTimeout {
				t.Errorf("took %v", took)
			}
		}
		mustLoad(t, m, token)
	})
}

// TestP6_AFailingSwapperIsAnError: it never counts as "no such session", and the old session is unchanged.
func TestP6_AFailingSwapperIsAnError(t *testing.T) {
	ctx := context.Background()
	down := errors.New("connection refused")
	fail := func() error { return down }
	for part, store := range map[string]*swapping{
		"find": {find: fail}, "swap": {swap: fail}, "move": {move: fail}, "list": {each: fail},
	} {
		t.Run(part, func(t *testing.T) {
			f := newFixture(t)
			store.Memory = f.memory
			token := mustCreate(t, f.Manager, verified(t))
			m := f.over(store)
			change := func(data *Data) error { data.Notice = "changed"; return nil }
			check := func(what string, err error, fails bool) {
				t.Helper()
				if fails != errors.Is(err, ErrStore) || fails != errors.Is(err, down) || errors.Is(err, ErrGone) || !fails && err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err := m.create(ctx, &Data{})
			check("Create", err, part == "swap")
			if part != "swap" {
				err = m.DestroyOthers(ctx, "bob", "")
				check("DestroyOthers", err, part == "list")
			}
			if part == "move" || part == "find" {
				fresh, data, err := m.renew(ctx, token, change)
				check("Renew", err, true)
				if fresh != "" || data != nil {
					t.Error("a session beside an error")
				}
			}
			if part == "swap" || part == "find" {
				data, err := m.update(ctx, token, change)
				check("Update", err, true)
				if data != nil {
					t.Error("a session beside an error")
				}
			}
			if mustLoad(t, f.Manager, token).Notice != "" {
				t.Error("the old session was changed")
			}
		})
	}
}

// TestCompareAndSetIsUsed: every write uses it, so that nothing depends on an unconditional commit, which swapping
// refuses. After a store was emptied, which removes the tombstones too, a slow change must not bring its session back.
func TestCompareAndSetIsUsed(t *testing.T) {
	f := newFixture(t)
	m := f.over(&swapping{Memory: f.memory})
	token := mustCreate(t, m, verified(t))
	if _, err := m.update(context.Background(), token, keep); err != nil {
		t.Error(err)
	}
	f.clock.Advance(2 * time.Minute)
	if err := m.Touch(context.Background(), token, f.clock.Now()); err != nil {
		t.Error(err)
	}
	token, _, err := m.renew(context.Background(), token, keep)
	if err != nil {
		t.Fatal(err)
	}
	for _, renew := range []bool{false, true} {
		empty := func(*Data) error {
			for i := range f.memory.shards {
				clear(f.memory.shards[i].live)
				clear(f.memory.shards[i].dead)
			}
			return nil
		}
		if renew {
			_, _, err = m.renew(context.Background(), token, empty)
		} else {
			_, err = m.update(context.Background(), token, empty)
		}
		if !errors.Is(err, ErrGone) || f.memory.Len() != 0 {
			t.Errorf("%v, %d sessions", err, f.memory.Len())
		}
		token = mustCreate(t, m, verified(t))
	}
}

// TestMemoryMoveIntoAFullStore: a session that moves needs no more room than its own. If there is none for the new
// session, the old one is unchanged.
func TestMemoryMoveIntoAFullStore(t *testing.T) {
	m := newMemory(t, MemoryOptions{Max: 64}) // one for each shard
	ctx, expiry := context.Background(), time.Now().Add(time.Hour)
	stored := storedAs(t, gate.Verified)
	names := map[*shard]string{}
	for i := 0; len(names) < memoryShards; i++ {
		token := fmt.Sprint(i)
		if _, full := names[m.shard(token)]; full {
			continue
		}
		names[m.shard(token)] = token
		if err := m.Commit(token, stored, expiry); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 500 {
		fresh := fmt.Sprint("fresh ", i)
		token := fmt.Sprint(0)
		_, version, found, _ := m.FindVersionCtx(ctx, token)
		if !found {
			break
		}
		err := m.MoveCtx(ctx, token, version, fresh, stored, expiry)
		if m.shard(token) == m.shard(fresh) {
			if err != nil {
				t.Errorf("within its shard: %v", err)
			}
			expectFind(t, m, token, "")
			continue
		}
		if !errors.Is(err, ErrFull) {
			t.Errorf("%v, want ErrFull", err)
		}
		expectFind(t, m, token, string(stored))
		expectFind(t, m, fresh, "")
	}
	if m.Len() != memoryShards {
		t.Errorf("%d sessions", m.Len())
	}
}
