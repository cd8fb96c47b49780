package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func (h *handle) list() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	err := h.EachCtx(context.Background(), func(token string, stored []byte) error {
		if before, twice := all[token]; twice && before != string(stored) {
			h.t.Errorf("%q is listed as %q and as %q", token, before, stored)
		}
		all[token] = string(stored)
		return nil
	})
	if err != nil {
		h.t.Errorf("list: %v", err)
	}
	return all
}

func testList(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	if all := h.list(); len(all) != 0 {
		t.Errorf("listed %q", all)
	}
	alive, expired, deleted, moved, fresh := Token(), Token(), Token(), Token(), Token()
	h.commit(expired, "expired", b.in(time.Minute), nil)
	b.Advance(time.Minute + moment)
	h.commit(alive, "alive", b.in(time.Hour), nil)
	h.commit(deleted, "deleted", b.in(time.Hour), nil)
	h.remove(deleted)
	h.commit(moved, "moved", b.in(time.Hour), nil)
	h.move(moved, h.version(moved), fresh, "fresh", b.in(time.Hour), nil)
	if all := other.list(); len(all) != 2 || all[alive] != "alive" || all[fresh] != "fresh" {
		t.Errorf("listed %q", all)
	}
	enough := errors.New("enough")
	seen := 0
	err := h.EachCtx(context.Background(), func(string, []byte) error { seen++; return enough })
	if !errors.Is(err, enough) || seen != 1 {
		t.Errorf("%d visits, %v", seen, err)
	}
}

// testListMany lists several pages, with values of very different sizes.
func testListMany(t *testing.T, b *Body) {
	h := b.open(t)
	const many = 2500
	want := map[string]string{}
	names := make([]string, many)
	for i := range many {
		names[i] = Token()
		want[names[i]] = fmt.Sprint(i, " ", strings.Repeat("x", i%700))
	}
	expiry := b.in(time.Hour)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < many; i += 8 {
				if err := h.CommitCtx(context.Background(), names[i], []byte(want[names[i]]), expiry); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	all := h.list()
	if len(all) != many {
		t.Errorf("%d sessions are listed", len(all))
	}
	for token, stored := range want {
		if all[token] != stored {
			t.Fatalf("%q is listed, want %q", clip(all[token]), clip(stored))
		}
	}
	if stored := b.Stored(); stored != many {
		t.Errorf("%d entries", stored)
	}
}

// testListWhileMoving: an attacker must not be able to hide a session between the pages by renewing it again and again.
func testListWhileMoving(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	ctx := context.Background()
	expiry := b.in(time.Hour)
	for range 300 {
		h.commit(Token(), "stays", expiry, nil)
	}
	const movers = 4
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range movers {
		token, stored := Token(), []byte(fmt.Sprint("mover ", i))
		h.commit(token, string(stored), expiry, nil)
		version := h.version(token)
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				next := Token()
				err := other.MoveCtx(ctx, token, version, next, stored, expiry)
				if err == nil {
					token = next
					_, version, _, err = other.FindVersionCtx(ctx, token)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		seen := map[string]bool{}
		stays := 0
		err := h.EachCtx(ctx, func(_ string, stored []byte) error {
			seen[string(stored)] = true
			if string(stored) == "stays" {
				stays++
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if stays < 300 {
			t.Errorf("%d of 300 are listed", stays)
		}
		for i := range movers {
			if !seen[fmt.Sprint("mover ", i)] {
				t.Errorf("mover %d was not listed", i)
			}
		}
	}
	close(stop)
	group.Wait()
}
