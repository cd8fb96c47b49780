package filestore

import (
	"errors"
	"fmt"
	"time"

	"sallyport.example/sallyport/internal/boltfile"
)

// handle is a boltfile.Handle with the errors of this package.
type handle struct{ *boltfile.Handle }

func openBolt(path string, timeout time.Duration, readOnly bool) (*handle, error) {
	opened, err := boltfile.Open(path, boltfile.Options{Timeout: timeout, ReadOnly: readOnly})
	if err != nil {
		return nil, translated(fmt.Errorf("filestore: %w", err))
	}
	return &handle{opened}, nil
}

func (h *handle) guard(work func() error) error { return translated(h.Guard(work)) }

// translated turns an error of boltfile into one of this package.
func translated(err error) error {
	switch {
	case errors.Is(err, boltfile.ErrInUse):
		return fmt.Errorf("%w: %w", ErrInUse, err)
	case errors.Is(err, boltfile.ErrDamaged):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
