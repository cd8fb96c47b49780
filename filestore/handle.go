package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// handle is an open bbolt database that may be lost: after a panic inside bbolt its locks can stay taken, so that the
// next transaction, or closing it, would wait for ever.
type handle struct {
	*bolt.DB
	file *os.File
	lost bool
}

// openBolt opens the file and takes its lock. Read-only, bbolt reads no more than the head pages.
func openBolt(path string, timeout time.Duration, readOnly bool) (*handle, error) {
	h := &handle{}
	err := h.guard(func() (err error) {
		h.DB, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: timeout, ReadOnly: readOnly,
			// The list of free pages is found by looking instead of stored: one thing less that can be damaged.
			NoFreelistSync: true,
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
	case h.lost:
		_ = h.close()
		return nil, err
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	case errors.As(err, &place), errors.As(err, &number):
		return nil, fmt.Errorf("filestore: opening the database: %w", err)
	}
	return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
}

// guard turns a panic of bbolt, and a fault in the memory that maps the file (it was cut off meanwhile), into
// ErrDamaged: the gateway must go on answering, with 503. The handle is lost then and may only be closed.
func (h *handle) guard(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			h.lost = true
			err = fmt.Errorf("%w: %v", ErrDamaged, cause)
		}
	}()
	return work()
}

// close lets go of the file and its lock. Of a lost database no more is closed than the file; its mapped memory stays
// until the process ends.
func (h *handle) close() error {
	if !h.lost {
		return h.Close()
	}
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}
