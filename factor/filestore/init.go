package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Init makes a new database at path, in which nobody is enrolled, and its key, unless the key is there already. Only an
// operator may decide that. ErrExists if there is a database with any content; other errors are those of Open.
func Init(path string, options Options) error {
	options.KeyFile = KeyPath(path, options.KeyFile)
	if options.LockTimeout == 0 {
		options.LockTimeout = DefaultLockTimeout
	}
	if info, err := os.Stat(path); err == nil {
		if info.Size() > 0 {
			// A start that was killed leaves an untouched database behind.
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
