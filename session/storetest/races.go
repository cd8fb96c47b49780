package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
)

// race runs attempt in parallel over two handles and counts those that won; all others must have failed with an error
// of lost.
func race(t *testing.T, b *Body, lost []error, attempt func(h *handle, i int) error) (wins int) {
	t.Helper()
	handles := []*handle{b.open(t), b.open(t)}
	var total atomic.Int64
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range Parallel {
		group.Go(func() {
			<-start
			err := attempt(handles[i%len(handles)], i)
			if err == nil {
				total.Add(1)
				return
			}
			for _, expected := range lost {
				if errors.Is(err, expected) {
					return
				}
			}
			t.Errorf("a loser got %v, want one of %v", err, lost)
		})
	}
	close(start)
	group.Wait()
	return int(total.Load())
}

var errNotClaimed = errors.New("not claimed")

func testClaim(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	token := Token()
	h.claim(token, false)
	h.commit(token, "one", b.in(time.Hour), nil)
	version := h.version(token)
	other.claim(token, true)
	h.wantDead(b, token, version)
	other.wantDead(b, token, version)
}

func testClaimInParallel(t *testing.T, b *Body) {
	h := b.open(t)
	token := Token()
	h.commit(token, "one", b.in(time.Hour), nil)
	wins := race(t, b, []error{errNotClaimed}, func(h *handle, _ int) error {
		claimed, err := h.ClaimCtx(context.Background(), token)
		if err == nil && !claimed {
			err = errNotClaimed
		}
		return err
	})
	if wins != 1 {
		t.Errorf("%d claims won", wins)
	}
}

func testSwapInParallel(t *testing.T, b *Body) {
	h := b.open(t)
	ctx := context.Background()
	token := Token()
	expiry := b.in(time.Hour)
	wins := race(t, b, []error{session.ErrGone}, func(h *handle, i int) error {
		return h.SwapCtx(ctx, token, session.Version{}, []byte(fmt.Sprint(i)), expiry)
	})
	if wins != 1 {
		t.Errorf("%d creations won", wins)
	}
	version := h.version(token)
	var winner atomic.Int64
	wins = race(t, b, []error{session.ErrChanged}, func(h *handle, i int) error {
		err := h.SwapCtx(ctx, token, version, []byte(fmt.Sprint(i)), expiry)
		if err == nil {
			winner.Store(int64(i))
		}
		return err
	})
	if wins != 1 {
		t.Errorf("%d changes won", wins)
	}
	h.want(token, fmt.Sprint(winner.Load()))
}

// testCount: each attempt adds one to a counter, and tries again until that is written. Without versions a counter was
// at 1 after 200 parallel attempts.
func testCount(t *testing.T, b *Body) {
	h := b.open(t)
	ctx := context.Background()
	token := Token()
	expiry := b.in(time.Hour)
	h.commit(token, "0", expiry, nil)
	race(t, b, nil, func(h *handle, _ int) error {
		for {
			stored, version, found, err := h.FindVersionCtx(ctx, token)
			if err != nil || !found {
				return fmt.Errorf("found %v: %w", found, err)
			}
			count, err := strconv.Atoi(string(stored))
			if err != nil {
				return err
			}
			err = h.SwapCtx(ctx, token, version, []byte(strconv.Itoa(count+1)), expiry)
			if !errors.Is(err, session.ErrChanged) {
				return err
			}
		}
	})
	h.want(token, strconv.Itoa(Parallel))
}

func testMoveInParallel(t *testing.T, b *Body) {
	h := b.open(t)
	token := Token()
	expiry := b.in(time.Hour)
	h.commit(token, "one", expiry, nil)
	version := h.version(token)
	fresh := make([]string, Parallel)
	for i := range fresh {
		fresh[i] = Token()
	}
	var winner atomic.Int64
	wins := race(t, b, []error{session.ErrGone, session.ErrChanged}, func(h *handle, i int) error {
		err := h.MoveCtx(context.Background(), token, version, fresh[i], []byte(fmt.Sprint(i)), expiry)
		if err == nil {
			winner.Store(int64(i))
		}
		return err
	})
	if wins != 1 {
		t.Errorf("%d moves won", wins)
	}
	for i, one := range fresh {
		if int64(i) == winner.Load() {
			h.want(one, fmt.Sprint(i))
		} else {
			h.want(one, "")
		}
	}
	h.wantDead(b, token, version)
}

// testDeadInParallel: once a token's deletion has returned the token is dead, whatever else is under way.
func testDeadInParallel(t *testing.T, b *Body) {
	h := b.open(t)
	ctx := context.Background()
	expiry := b.in(time.Hour)
	for range 4 {
		token := Token()
		h.commit(token, "one", expiry, nil)
		race(t, b, []error{session.ErrGone, session.ErrChanged}, func(h *handle, i int) error {
			if i == Parallel/2 {
				if err := h.DeleteCtx(ctx, token); err != nil {
					return err
				}
				if _, found, err := h.FindCtx(ctx, token); err != nil || found {
					return fmt.Errorf("after the deletion: found %v, %w", found, err)
				}
				return nil
			}
			if i%2 == 0 {
				return h.CommitCtx(ctx, token, []byte("late"), expiry)
			}
			_, version, found, err := h.FindVersionCtx(ctx, token)
			if err != nil || !found {
				return err
			}
			return h.SwapCtx(ctx, token, version, []byte("late"), expiry)
		})
		h.wantDead(b, token, session.Version{1})
	}
}

// testMixInParallel: of changes, moves, claims and deletions of one version, one wins. A session that moves does not
// become two.
func testMixInParallel(t *testing.T, b *Body) {
	h := b.open(t)
	ctx := context.Background()
	expiry := b.in(time.Hour)
	for range 4 {
		token, fresh := Token(), make([]string, Parallel)
		h.commit(token, "one", expiry, nil)
		version := h.version(token)
		for i := range fresh {
			fresh[i] = Token()
		}
		// After a swap has won, a claim may win as well.
		var swapped, ended atomic.Int64
		race(t, b, []error{session.ErrGone, session.ErrChanged, errNotClaimed}, func(h *handle, i int) error {
			switch i % 3 {
			case 0:
				err := h.SwapCtx(ctx, token, version, []byte("swapped"), expiry)
				if err == nil {
					swapped.Add(1)
				}
				return err
			case 1:
				err := h.MoveCtx(ctx, token, version, fresh[i], []byte("moved"), expiry)
				if err == nil {
					ended.Add(1)
				}
				return err
			default:
				claimed, err := h.ClaimCtx(ctx, token)
				if claimed {
					ended.Add(1)
				} else if err == nil {
					err = errNotClaimed
				}
				return err
			}
		})
		if ended.Load() != 1 || swapped.Load() > 1 {
			t.Errorf("%d ends and %d changes won", ended.Load(), swapped.Load())
		}
		h.wantDead(b, token, version)
		alive := 0
		for _, stored := range h.list() {
			if stored == "moved" {
				alive++
			}
		}
		if alive > 1 {
			t.Errorf("one session has become %d", alive)
		}
		for _, one := range fresh {
			h.remove(one)
		}
	}
}
