package boltfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func open(t *testing.T, path string, options Options) *Handle {
	t.Helper()
	h, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func TestOpenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	h := open(t, path, Options{Timeout: time.Second, Mapped: 1 << 20})
	if _, err := Open(path, Options{Timeout: time.Millisecond}); !errors.Is(err, ErrInUse) {
		t.Errorf("%v, want ErrInUse", err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, Options{Timeout: time.Second, ReadOnly: true})
	if _, err := Open(filepath.Join(path, "below"), Options{Timeout: time.Second}); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want the file system's error", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), Options{Timeout: time.Second, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that it does not exist", err)
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, make([]byte, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(garbage, Options{Timeout: time.Second}); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}

// TestGuard: a panic inside bbolt leaves its locks taken; closing the handle must not wait for them, and must let go of
// the file's lock.
func TestGuard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	h := open(t, path, Options{Timeout: time.Second})
	refused := errors.New("refused")
	if err := h.Guard(func() error { return refused }); !errors.Is(err, refused) || h.Lost() {
		t.Errorf("%v, lost %v", err, h.Lost())
	}
	if err := h.Guard(func() error {
		tx, err := h.Begin(true)
		if err != nil {
			return err
		}
		_, _ = tx.CreateBucket([]byte("a"))
		panic("astray")
	}); !errors.Is(err, ErrDamaged) || !h.Lost() {
		t.Errorf("%v, lost %v", err, h.Lost())
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	again := open(t, path, Options{Timeout: time.Second})
	if err := again.Guard(func() error {
		return again.View(func(tx *bolt.Tx) error {
			if tx.Bucket([]byte("a")) != nil {
				t.Error("half a change was kept")
			}
			return nil
		})
	}); err != nil {
		t.Error(err)
	}
}
