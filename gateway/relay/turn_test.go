package relay

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// TestTurns_LastBytes: of a large body the last bytes wait, with its length known or not.
func TestTurns_LastBytes(t *testing.T) {
	large := bytes.Repeat([]byte("x"), WholeBody+3)
	for _, length := range []int64{int64(len(large)), -1} {
		called, got := 0, 0
		body := &lastly{Reader: bytes.NewReader(large), left: length, before: func() error {
			if called++; got >= len(large) && length >= 0 {
				t.Errorf("called behind the end")
			}
			return nil
		}}
		read, err := io.ReadAll(readerFunc(func(p []byte) (int, error) {
			n, err := body.Read(p)
			got += n
			return n, err
		}))
		if err != nil || !bytes.Equal(read, large) || called != 1 {
			t.Errorf("length %d: %d bytes, %v, called %d times", length, len(read), err, called)
		}
		refused := &lastly{Reader: bytes.NewReader(large), left: length, before: func() error { return errSessionEnded }}
		if read, err := io.ReadAll(refused); !errors.Is(err, errSessionEnded) || length >= 0 && len(read) >= len(large) {
			t.Errorf("refused, length %d: %d bytes, %v", length, len(read), err)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
