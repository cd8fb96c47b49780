package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
)

// moment is the precision of time that the suite expects.
const moment = 10 * time.Second

func testExpiry(t *testing.T, b *Body) {
	h := b.open(t)
	short, long := Token(), Token()
	h.commit(short, "short", b.in(time.Minute), nil)
	h.commit(long, "long", b.in(time.Minute), nil)
	version := h.version(short)
	h.swap(long, h.version(long), "longer", b.in(time.Hour), nil)
	b.Advance(time.Minute - moment)
	h.want(short, "short")
	b.Advance(2 * moment)
	h.want(short, "")
	h.want(long, "longer")
	h.claim(short, false)
	h.swap(short, version, "again", b.in(time.Hour), session.ErrGone)
	h.move(short, version, Token(), "again", b.in(time.Hour), session.ErrGone)
	listed := 0
	if err := h.EachCtx(context.Background(), func(string, []byte) error { listed++; return nil }); err != nil || listed != 1 {
		t.Errorf("%d sessions are listed, %v", listed, err)
	}
	b.Advance(time.Hour)
	h.want(long, "")
	// A shorter life counts too.
	token := Token()
	h.commit(token, "x", b.in(time.Hour), nil)
	h.swap(token, h.version(token), "y", b.in(time.Minute), nil)
	b.Advance(time.Minute + moment)
	h.want(token, "")
}

// testPast: a session that has already expired is not stored. goredisstore stores it without an expiry.
func testPast(t *testing.T, b *Body) {
	h := b.open(t)
	token, moved := Token(), Token()
	for name, expiry := range map[string]time.Time{
		"zero": {}, "before 1970": time.Unix(-1, 0), "long ago": time.Unix(1, 0), "just now": b.in(-time.Millisecond),
	} {
		t.Run(name, func(*testing.T) {
			h.commit(token, "x", expiry, session.ErrGone)
			h.swap(token, session.Version{}, "x", expiry, session.ErrGone)
			h.want(token, "")
		})
	}
	if stored := b.Stored(); stored != 0 {
		t.Errorf("%d entries are stored", stored)
	}
	h.commit(token, "kept", b.in(time.Hour), nil)
	version := h.version(token)
	h.commit(token, "x", b.in(-time.Second), session.ErrGone)
	h.swap(token, version, "x", b.in(-time.Second), session.ErrGone)
	h.move(token, version, moved, "x", b.in(-time.Second), session.ErrGone)
	h.want(token, "kept")
	h.want(moved, "")
	h.swap(token, version, "changed", b.in(time.Hour), nil)
}

// testSweep: expired entries are removed.
func testSweep(t *testing.T, b *Body) {
	h := b.open(t)
	stays := Token()
	h.commit(stays, "stays", b.in(100*time.Hour), nil)
	for i := range 50 {
		token := Token()
		h.commit(token, fmt.Sprint(i), b.in(time.Minute), nil)
		if i%5 == 0 {
			h.remove(token)
		}
	}
	if stored := b.Stored(); stored != 51 {
		t.Errorf("%d entries, want 51", stored)
	}
	b.Advance(time.Minute + moment)
	if stored := b.Stored(); stored != 11 {
		t.Errorf("%d entries are left, want the one that lives and 10 tombstones", stored)
	}
	b.Advance(24 * time.Hour)
	if stored := b.Stored(); stored != 1 {
		t.Errorf("%d entries are left, want 1", stored)
	}
	h.want(stays, "stays")
}

// wantDead requires that nothing brings the token back.
func (h *handle) wantDead(b *Body, token string, version session.Version) {
	h.t.Helper()
	far := b.in(10_000 * time.Hour)
	h.want(token, "")
	h.commit(token, "late", far, session.ErrGone)
	h.swap(token, version, "late", far, session.ErrGone)
	h.swap(token, session.Version{}, "late", far, session.ErrGone)
	fresh := Token()
	h.move(token, version, fresh, "late", far, session.ErrGone)
	h.want(fresh, "")
	h.claim(token, false)
	h.remove(token)
	h.want(token, "")
}

// testDead: a token is deleted while a slow request is under way, which then commits. The token must stay dead, for a
// day and for as long as its session would have lived.
func testDead(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	for name, life := range map[string]time.Duration{"short": time.Minute, "long": 72 * time.Hour} {
		dead := max(life, 24*time.Hour)
		for how, end := range map[string]func(token string, version session.Version){
			"deleted": func(token string, _ session.Version) { h.remove(token) },
			"claimed": func(token string, _ session.Version) { h.claim(token, true) },
			"moved": func(token string, version session.Version) {
				h.move(token, version, Token(), "moved", b.in(time.Hour), nil)
			},
		} {
			t.Run(name+" "+how, func(*testing.T) {
				token := Token()
				h.commit(token, "one", b.in(life), nil)
				version := h.version(token)
				end(token, version)
				h.wantDead(b, token, version)
				other.wantDead(b, token, version)
				b.Advance(dead - moment)
				b.Stored() // sweeps
				h.wantDead(b, token, version)
				other.wantDead(b, token, version)
			})
		}
	}
}

// testTombstonesEnd: tombstones end, because they take room and no request is so slow.
func testTombstonesEnd(t *testing.T, b *Body) {
	h := b.open(t)
	token := Token()
	h.commit(token, "one", b.in(time.Hour), nil)
	h.remove(token)
	// Neither a second deletion nor an attempt to bring the session back prolongs a tombstone.
	b.Advance(23 * time.Hour)
	h.remove(token)
	h.claim(token, false)
	h.commit(token, "two", b.in(time.Hour), session.ErrGone)
	b.Advance(time.Hour + moment)
	if stored := b.Stored(); stored != 0 {
		t.Errorf("%d entries", stored)
	}
	h.want(token, "")
	h.commit(token, "two", b.in(time.Hour), nil)
	h.want(token, "two")
	// The same holds for expired tombstones, whether they were swept or not.
	b.Advance(time.Hour + moment)
	h.swap(token, session.Version{}, "three", b.in(time.Hour), nil)
	h.want(token, "three")
	b.Advance(time.Hour + moment)
	h.commit(token, "four", b.in(time.Hour), nil)
	h.want(token, "four")
}
