package storetest

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
)

func testFindAndCommit(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	one, two := Token(), Token()
	h.want(one, "")
	h.commit(one, "one", b.in(time.Minute), nil)
	h.want(one, "one")
	other.want(one, "one")
	other.want(two, "")
	other.commit(two, "two", b.in(time.Minute), nil)
	other.commit(one, "three", b.in(time.Hour), nil)
	h.want(one, "three")
	h.want(two, "two")
	h.remove(one)
	h.want(one, "")
	other.want(one, "")
	other.want(two, "two")

	// The same methods without a context, as in scs.Store.
	three := Token()
	if err := h.Commit(three, []byte("x"), b.in(time.Minute)); err != nil {
		t.Error(err)
	}
	if stored, found, err := other.Find(three); err != nil || !found || string(stored) != "x" {
		t.Errorf("%q, %v, %v", stored, found, err)
	}
	if err := other.Delete(three); err != nil {
		t.Error(err)
	}
	h.want(three, "")
}

// testValues: a value may have any bytes, and as many as a sealed session of session.MaxEncoded.
func testValues(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, value := range map[string]string{
		"one byte":   "\x00",
		"zeros":      strings.Repeat("\x00", 100),
		"all bytes":  string(all),
		"no UTF-8":   "\xff\xfe\xc0",
		"quotes":     `'";--\`,
		"lines":      "\r\n$5\r\nhello\r\n",
		"the most":   strings.Repeat("x\x00\xff!", (session.MaxEncoded+1024)/4),
		"four pages": strings.Repeat("y", 4*4096),
	} {
		t.Run(name, func(t *testing.T) {
			token := Token()
			h.commit(token, value, b.in(time.Minute), nil)
			other.want(token, value)
			h.swap(token, h.version(token), "short", b.in(time.Minute), nil)
			other.want(token, "short")
			h.swap(token, h.version(token), value, b.in(time.Minute), nil)
			other.want(token, value)
		})
	}
}

// testCopies: the caller may reuse the bytes that it stored, and bytes that were found never change. boltstore returned
// bbolt's memory after the transaction, and other sessions' bytes appeared in it.
func testCopies(t *testing.T, b *Body) {
	h := b.open(t)
	ctx := context.Background()
	token := Token()
	given := []byte(strings.Repeat("given ", 50))
	kept := bytes.Clone(given)
	if err := h.CommitCtx(ctx, token, given, b.in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	clear(given)
	h.want(token, string(kept))
	found, _, err := h.FindCtx(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	versioned, version, _, err := h.FindVersionCtx(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	var listed []byte
	if err := h.EachCtx(ctx, func(_ string, stored []byte) error { listed = stored; return nil }); err != nil {
		t.Fatal(err)
	}
	given = bytes.Clone(kept)
	if err := h.SwapCtx(ctx, token, version, given, b.in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	clear(given)
	h.want(token, string(kept))
	// Many writes make a store reuse its memory.
	for range 200 {
		h.commit(Token(), strings.Repeat("other ", 50), b.in(time.Hour), nil)
	}
	h.remove(token)
	for range 200 {
		h.commit(Token(), strings.Repeat("third ", 50), b.in(time.Hour), nil)
	}
	if !bytes.Equal(found, kept) || !bytes.Equal(versioned, kept) || !bytes.Equal(listed, kept) {
		t.Error("the value that was found changed later")
	}
}

// testUnknown: anybody can sign out with made-up tokens, which must not fill the store with tombstones.
func testUnknown(t *testing.T, b *Body) {
	h := b.open(t)
	for range 20 {
		h.remove(Token())
		h.claim(Token(), false)
	}
	if stored := b.Stored(); stored != 0 {
		t.Errorf("%d entries for tokens that never lived", stored)
	}
}

// testFinishedContext: a client that hangs up does not cancel a commit. Finding may fail then, but must not say that
// there is no session.
func testFinishedContext(t *testing.T, b *Body) {
	h := b.open(t)
	finished, finish := context.WithCancel(context.Background())
	finish()
	token, moved := Token(), Token()
	if err := h.CommitCtx(finished, token, []byte("one"), b.in(time.Hour)); err != nil {
		t.Errorf("commit: %v", err)
	}
	h.want(token, "one")
	if stored, found, err := h.FindCtx(finished, token); err == nil && (!found || string(stored) != "one") {
		t.Errorf("find: %q, %v", stored, found)
	}
	if err := h.SwapCtx(finished, token, h.version(token), []byte("two"), b.in(time.Hour)); err != nil {
		t.Errorf("swap: %v", err)
	}
	h.want(token, "two")
	if err := h.MoveCtx(finished, token, h.version(token), moved, []byte("three"), b.in(time.Hour)); err != nil {
		t.Errorf("move: %v", err)
	}
	h.want(token, "")
	h.want(moved, "three")
	if err := h.DeleteCtx(finished, moved); err != nil {
		t.Errorf("delete: %v", err)
	}
	h.want(moved, "")
}
