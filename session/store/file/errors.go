package file

import (
	"errors"
	"fmt"

	"sallyport.example/sallyport/internal/boltfile"
)

// Errors of this store, for errors.Is. Those that change no session are session.ErrGone, session.ErrChanged and
// session.ErrFull.
var (
	// ErrInUse: another process holds the file.
	ErrInUse = errors.New("the file of sessions is in use by another process")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the file of sessions is closed")
	// ErrDamaged: the file turned out to be damaged while it was in use. The next call opens it anew.
	ErrDamaged = errors.New("the file of sessions is damaged")

	errToken = errors.New("not a token of a session")
)

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
