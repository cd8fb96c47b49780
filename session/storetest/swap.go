package storetest

import (
	"testing"
	"time"

	"sallyport.example/sallyport/session"
)

func testSwap(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	token := Token()
	h.swap(token, session.Version{}, "one", b.in(time.Hour), nil)
	h.want(token, "one")
	first := other.version(token)
	if h.version(token) != first {
		t.Error("two handles see two versions")
	}
	// Reading changes nothing.
	other.swap(token, first, "two", b.in(time.Hour), nil)
	h.want(token, "two")
	second := h.version(token)
	if first == second {
		t.Fatal("the version did not change")
	}
	for range 2 {
		h.swap(token, first, "late", b.in(time.Hour), session.ErrChanged)
		other.swap(token, first, "late", b.in(time.Hour), session.ErrChanged)
		h.swap(token, session.Version{15: 1}, "guessed", b.in(time.Hour), session.ErrChanged)
		h.swap(token, session.Version{}, "created", b.in(time.Hour), session.ErrGone)
	}
	h.want(token, "two")
	// A commit without conditions changes the version too, even when it writes the same bytes.
	h.commit(token, "two", b.in(time.Hour), nil)
	h.swap(token, second, "late", b.in(time.Hour), session.ErrChanged)
	h.want(token, "two")
	third := h.version(token)
	h.swap(token, third, "two", b.in(time.Hour), nil)
	h.swap(token, third, "late", b.in(time.Hour), session.ErrChanged)
	h.want(token, "two")
}

func testSwapGone(t *testing.T, b *Body) {
	h := b.open(t)
	token := Token()
	h.swap(token, session.Version{1: 1}, "x", b.in(time.Hour), session.ErrGone)
	h.want(token, "")
	h.swap(token, session.Version{}, "one", b.in(time.Hour), nil)
	version := h.version(token)
	h.remove(token)
	h.wantDead(b, token, version)
	if stored := b.Stored(); stored != 1 {
		t.Errorf("%d entries, want the tombstone", stored)
	}
}

// testNoABA: a token that is stored again never has an earlier version. Otherwise a slow change of the first session
// could overwrite the second.
func testNoABA(t *testing.T, b *Body) {
	h := b.open(t)
	token := Token()
	seen := map[session.Version]bool{}
	for range 5 {
		h.swap(token, session.Version{}, "x", b.in(time.Hour), nil)
		for range 5 {
			version := h.version(token)
			if seen[version] {
				t.Fatal("a version came back")
			}
			seen[version] = true
			h.swap(token, version, "x", b.in(time.Hour), nil)
		}
		b.Advance(time.Hour + moment)
		b.Stored()
	}
}

func testMove(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	first := Token()
	h.commit(first, "one", b.in(time.Hour), nil)
	token := first
	for range 10 {
		next := Token()
		version := h.version(token)
		h.move(token, version, next, "moved", b.in(time.Hour), nil)
		h.want(next, "moved")
		other.want(next, "moved")
		h.wantDead(b, token, version)
		other.wantDead(b, token, version)
		token = next
	}
	// A session that was moved is like any other.
	other.swap(token, other.version(token), "two", b.in(time.Hour), nil)
	h.want(token, "two")
	h.remove(token)
	h.want(token, "")
	if stored := b.Stored(); stored != 11 {
		t.Errorf("%d entries, want 11 tombstones", stored)
	}
}

func testMoveRefused(t *testing.T, b *Body) {
	h := b.open(t)
	token, unknown, fresh := Token(), Token(), Token()
	h.commit(token, "one", b.in(time.Hour), nil)
	version := h.version(token)
	h.swap(token, version, "two", b.in(time.Hour), nil)
	h.move(token, version, fresh, "late", b.in(time.Hour), session.ErrChanged)
	h.move(token, session.Version{3: 3}, fresh, "guessed", b.in(time.Hour), session.ErrChanged)
	h.move(unknown, version, fresh, "from nothing", b.in(time.Hour), session.ErrGone)
	h.want(token, "two")
	h.want(fresh, "")
	if stored := b.Stored(); stored != 1 {
		t.Errorf("%d entries, want 1", stored)
	}
	h.move(token, h.version(token), fresh, "three", b.in(time.Hour), nil)
	h.want(fresh, "three")
}
