package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Init begins anew: it makes the database at path, in which nobody is enrolled, and its key, unless that is there
// already. It is an operator's act. ErrExists where there is a database that something was written to; otherwise
// errors are those of Open.
func Init(path string, options Options) error {
	options.KeyFile = KeyPath(path, options.KeyFile)
	if options.LockTimeout == 0 {
		options.LockTimeout = DefaultLockTimeout
	}
	if info, err := os.Stat(path); err == nil {
		if info.Size() > 0 {
			// An untouched one is what a start leaves behind that was killed.
			switch untouched, err := prepare(path, options); {
			case err != nil && !errors.Is(err, ErrDamaged):
				return err
			case err != nil || !untouched:
				return fmt.Errorf("%w: %s", ErrExists, path)
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("filestore: %w", err)
	}
	store, err := open(path, options, true)
	if err != nil {
		return err
	}
	return store.Close()
}
