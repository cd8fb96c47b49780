package file

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"
)

// TestReturnedBytesStay: returned bytes never change. bbolt reuses the memory that it reads from, so without a copy
// they would become another session's.
func TestReturnedBytesStay(t *testing.T) {
	store := newStore(t, place(t), Options{})
	ctx, until := context.Background(), time.Now().Add(time.Hour)
	mine := bytes.Repeat([]byte("mine"), 700)
	if err := store.CommitCtx(ctx, "mine", mine, until); err != nil {
		t.Fatal(err)
	}
	found, _, err := store.FindCtx(ctx, "mine")
	if err != nil {
		t.Fatal(err)
	}
	all, err := store.AllCtx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteCtx(ctx, "mine"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 { // uses the pages that have become free
		if err := store.CommitCtx(ctx, fmt.Sprintf("other-%d", i), bytes.Repeat([]byte("their"), 700), until); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(found, mine) {
		t.Error("what Find returned has changed")
	}
	if !bytes.Equal(all["mine"], mine) {
		t.Error("what All returned has changed")
	}
}
