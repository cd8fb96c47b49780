package relay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestMeanwhile: what is kept comes out in its order, from memory and from the file; and there is an end to it.
func TestMeanwhile(t *testing.T) {
	m := &meanwhile{full: make(chan struct{})}
	defer m.forget()
	var want bytes.Buffer
	for i := range 5000 {
		piece := []byte(strings.Repeat(fmt.Sprintf("%05d ", i), 200))
		if !m.add(piece) {
			t.Fatal("it did not fit")
		}
		want.Write(piece)
	}
	if m.file == nil {
		t.Fatal("nothing came into the file")
	}
	if len(m.kept) == 0 {
		t.Fatal("nothing is kept in memory")
	}
	got, err := io.ReadAll(m.close())
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes came of %d, or not in their order: %v", len(got), want.Len(), err)
	}
	if m.add([]byte("x")) {
		t.Error("something is kept of an answer that was decided")
	}

	m = &meanwhile{full: make(chan struct{})}
	defer m.forget()
	piece := make([]byte, 1<<20)
	for kept := 0; m.add(piece); kept += len(piece) {
		if kept > spoolLimit+spoolMemory {
			t.Fatal("there is no end to it")
		}
	}
	<-m.full
}

func httptestRequest(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWholeOfAStrangersAnswer: where the app cannot say whose an answer is before it has come to its end, a stranger's
// is waited for as well, though nobody watches over a session then.
func TestWholeOfAStrangersAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		ends func(*meanwhile, context.CancelFunc)
		is   bool
	}{
		"to its end":      {func(m *meanwhile, _ context.CancelFunc) { close(m.returned) }, true},
		"no room":         {func(m *meanwhile, _ context.CancelFunc) { close(m.full) }, false},
		"the client left": {func(_ *meanwhile, leave context.CancelFunc) { leave() }, false},
	} {
		ctx, leave := context.WithCancel(t.Context())
		m := &meanwhile{returned: make(chan struct{}), full: make(chan struct{})}
		x := new(Exchange)
		x.R = httptestRequest(t).WithContext(ctx)
		f := &filter{x: x, meanwhile: m, early: true}
		test.ends(m, leave)
		if f.whole() != test.is || f.early == test.is {
			t.Errorf("%s: whole %v", name, !test.is)
		}
		leave()
	}
}

// TestMeanwhileWithoutRoom: where no file can be made nothing more is kept, and what is kept already comes out.
func TestMeanwhileWithoutRoom(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "away"))
	m := &meanwhile{full: make(chan struct{})}
	defer m.forget()
	piece := make([]byte, spoolMemory/2)
	for range 2 {
		if !m.add(piece) {
			t.Fatal("what fits into memory is not kept")
		}
	}
	if m.add(piece) {
		t.Error("it says that it has kept what it has not")
	}
	<-m.full
	if got, err := io.ReadAll(m.close()); err != nil || len(got) != spoolMemory {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
