package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Handle is an open bbolt database that may be lost: after a panic inside bbolt its locks can stay taken, so that the
// next transaction, or closing it, would wait for ever. Every use of the DB goes through Guard.
type Handle struct {
	*bolt.DB
	file *os.File
	lost atomic.Bool
}

// Options of Open.
type Options struct {
	// Timeout is how long to wait for the database's lock; 0 means for ever.
	Timeout time.Duration
	// ReadOnly takes a shared lock, and reads no more than the head pages.
	ReadOnly bool
	// Mapped is how many bytes of address space are set aside for the file at once. A database that grows beyond them
	// waits until nobody reads any more, and whoever wants to read waits for that. 0 means as much as the file is
	// large.
	Mapped int
	// KeepFree stores the list of free pages with each change. Without it the list is made by going over the whole
	// database, when it is opened and after a change that failed; there bbolt uses a goroutine of its own, in which a
	// fault of the mapped memory ends the process. With it there is one thing more that can be damaged, and that
	// Inspect does not look at.
	KeepFree bool
}

// Open opens the file, which Inspect should have looked over if it exists. Errors are ErrInUse, ErrDamaged and those of
// the file system.
func Open(path string, options Options) (*Handle, error) {
	h := &Handle{}
	err := h.Guard(func() (err error) {
		h.DB, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: options.Timeout, ReadOnly: options.ReadOnly, InitialMmapSize: options.Mapped,
			NoFreelistSync: !options.KeepFree,
			FreelistType:   bolt.FreelistMapType,
			NoStatistics:   true,
			OpenFile: func(path string, flag int, mode os.FileMode) (file *os.File, err error) {
				h.file, err = os.OpenFile(path, flag, mode)
				return h.file, err
			},
		})
		return err
	})
	var place *fs.PathError
	var number syscall.Errno
	switch {
	case err == nil:
		return h, nil
	case h.Lost():
		_ = h.Close()
		return nil, err
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	case errors.As(err, &place), errors.As(err, &number):
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Guard turns a panic of bbolt, and a fault in the memory that maps the file (it was cut off meanwhile), into
// ErrDamaged: the gateway must go on answering, with 503. The handle is lost then and may only be closed. Other errors
// of work are returned as they are.
func (h *Handle) Guard(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			h.lost.Store(true)
			err = fmt.Errorf("%w: %v", ErrDamaged, cause)
		}
	}()
	return work()
}

// Lost reports whether the handle may only be closed.
func (h *Handle) Lost() bool { return h.lost.Load() }

// Close lets go of the file and its lock. Of a lost database no more is closed than the file; its mapped memory stays
// until the process ends.
func (h *Handle) Close() error {
	if !h.Lost() {
		return h.DB.Close()
	}
	if h.file == nil {
		return nil
	}
	return errors.Join(unlock(h.file), h.file.Close())
}
