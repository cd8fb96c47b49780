package filestore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport/boltfile"
	"sallyport/factor"
)

// DefaultLockTimeout is how long Open waits for another process to let go of the database.
const DefaultLockTimeout = time.Second

// Options of Open.
type Options struct {
	// KeyFile is the path of the key file; default: the database's path with ".key" behind it. A named one may be made
	// beforehand (32 random bytes in hexadecimal or base64, mode 0600) and may lie on another volume.
	KeyFile string
	// LockTimeout is how long to wait for the database's lock; default DefaultLockTimeout.
	LockTimeout time.Duration
}

// Store is a factor.Store in an encrypted file. It holds the file's lock until Close. Safe for concurrent use.
type Store struct {
	sealer  *sealer
	keyFile string

	// mutex is held for every use of the database, reading too: a transaction takes microseconds, and after a panic
	// bbolt's own locks stay taken, which nobody may run into (see handle).
	mutex    sync.Mutex
	database *handle // nil once closed
	summary  summary
	versions index
	broken   error // set when the file turned out to be damaged; nothing is answered from then on
}

var _ factor.Store = (*Store)(nil)

// Open opens the database at path, or makes it, with its key file and their directories (mode 0700), when there is
// none. Errors are ErrInUse, ErrWrongKey, ErrDamaged, ErrDatabaseMissing, ErrKeyMissing, ErrKeyMalformed,
// ErrPermissions, and those of the file system. A database that cannot be used is never replaced by a new one.
func Open(path string, options Options) (*Store, error) {
	keyBeside := options.KeyFile == ""
	if keyBeside {
		options.KeyFile = path + ".key"
	}
	if options.LockTimeout == 0 {
		options.LockTimeout = DefaultLockTimeout
	}
	untouched, err := prepare(path, options, keyBeside)
	if err != nil {
		return nil, err
	}
	database, err := openBolt(path, options.LockTimeout, false)
	if err != nil {
		return nil, err
	}
	s := &Store{database: database, keyFile: options.KeyFile}
	if err := database.guard(func() error { return s.begin(options.KeyFile, untouched) }); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// prepare looks the file over before bbolt may trust it. untouched: it holds nothing yet, or does not exist.
func prepare(path string, options Options, keyBeside bool) (untouched bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(options.KeyFile); keyBeside && err == nil {
			return false, ErrDatabaseMissing
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return false, fmt.Errorf("filestore: making the directory: %w", err)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("filestore: opening the database: %w", err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("filestore: %s is not a regular file", path)
	case info.Size() == 0:
		// bbolt would make a new one of it.
		return false, fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return false, fmt.Errorf("filestore: closing the database to others: %w", err)
		}
	}
	// Read-only, bbolt takes the lock and reads no more than the head pages.
	locked, err := openBolt(path, options.LockTimeout, true)
	if err != nil {
		return false, err
	}
	defer func() { _ = locked.Close() }()
	file, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("filestore: opening the database: %w", err)
	}
	defer func() { _ = file.Close() }()
	if info, err = file.Stat(); err != nil {
		return false, fmt.Errorf("filestore: opening the database: %w", err)
	}
	untouched, err = boltfile.Inspect(file, info.Size())
	return untouched, translated(err)
}

// begin reads or makes the key, and checks or makes the content. The database is locked meanwhile.
func (s *Store) begin(keyFile string, untouched bool) error {
	key, err := readKey(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if !untouched {
			return fmt.Errorf("%w: %s", ErrKeyMissing, keyFile)
		}
		key, err = createKey(keyFile, rand.Reader)
	}
	if err != nil {
		return err
	}
	if s.sealer, err = newSealer(key); err != nil {
		return err
	}
	if untouched {
		if err := s.database.Update(s.sealer.initialise); err != nil {
			return fmt.Errorf("filestore: preparing the database: %w", err)
		}
		syncDirectory(filepath.Dir(s.database.Path()))
	}
	return s.database.View(func(tx *bolt.Tx) error {
		if err := s.sealer.checkKey(tx); err != nil {
			return err
		}
		s.summary, s.versions, err = s.sealer.load(tx)
		return err
	})
}

// DeriveKey makes a 32-byte key for another purpose, so that other parts can seal what they store with the same key
// file. Different labels give independent keys.
func (s *Store) DeriveKey(label string) []byte {
	key, err := derive(s.sealer.root, "for others: "+label)
	if err != nil {
		// HKDF fails only for lengths that are not ours.
		panic(err)
	}
	return key
}

// Close lets go of the file. Operations that come later get factor.ErrUnavailable.
func (s *Store) Close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.database == nil {
		return nil
	}
	database := s.database
	s.database = nil
	if err := database.Close(); err != nil {
		return fmt.Errorf("filestore: closing the database: %w", err)
	}
	return nil
}
