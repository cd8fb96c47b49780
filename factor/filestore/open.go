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

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/boltfile"
)

// DefaultLockTimeout is how long Open waits for another process to release the database.
const DefaultLockTimeout = time.Second

// Options of Open.
type Options struct {
	// KeyFile is the path of the key file, which may lie on another volume; default: see KeyPath.
	KeyFile string
	// Existing forbids Open to make a database, a key or a folder.
	Existing bool
	// LockTimeout is how long to wait for the database's lock; default DefaultLockTimeout.
	LockTimeout time.Duration
}

// KeyPath returns the path of the database's key file: named, or, if that is empty, the database's path with ".key" at
// the end.
func KeyPath(path, named string) string {
	if named != "" {
		return named
	}
	return path + ".key"
}

// Store is a factor.Store in an encrypted file. It holds the file's lock until Close. Safe for concurrent use.
type Store struct {
	sealer  *sealer
	keyFile string
	made    bool

	// mutex is held for every use of the database, also for reading. A transaction takes microseconds only. And after a
	// panic bbolt's own locks stay taken, so nobody else may be waiting for them (see handle).
	mutex    sync.Mutex
	database *handle // nil once closed
	summary  summary
	versions index
	// directory is what lists are made from.
	directory directories
	broken    error // set when the file turned out to be damaged; nothing is answered from then on
}

var _ factor.Store = (*Store)(nil)

// Open opens the database at path. If there is neither a database nor a key file, it makes both, with their directories
// (mode 0700). Errors are ErrInUse, ErrWrongKey, ErrDamaged, ErrDatabaseMissing, ErrKeyMissing, ErrKeyMalformed,
// ErrPermissions, and those of the file system. A database that cannot be used is never replaced by a new one; see
// Init.
//
// The database file is made first, then the key, then the database's content. A start that is killed in between leaves
// an untouched database, as bbolt makes it, and the next start goes on from there. It never leaves a key without a
// database.
func Open(path string, options Options) (*Store, error) {
	options.KeyFile = KeyPath(path, options.KeyFile)
	if options.LockTimeout == 0 {
		options.LockTimeout = DefaultLockTimeout
	}
	untouched, err := prepare(path, options)
	if err != nil {
		return nil, err
	}
	return open(path, options, untouched)
}

// open opens the database, which prepare has checked, or makes it.
func open(path string, options Options, untouched bool) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("filestore: making the directory: %w", err)
	}
	database, err := openBolt(path, options.LockTimeout, false)
	if err != nil {
		return nil, err
	}
	s := &Store{database: database, keyFile: options.KeyFile, made: untouched}
	if err := database.guard(func() error { return s.begin(options.KeyFile, untouched) }); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// prepare checks the file before bbolt opens it, and makes nothing. untouched: the file has no content yet, or does not
// exist.
func prepare(path string, options Options) (untouched bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		switch _, err := os.Lstat(options.KeyFile); {
		case err == nil:
			return false, fmt.Errorf("%w: no %s, but the key %s", ErrDatabaseMissing, path, options.KeyFile)
		case !errors.Is(err, fs.ErrNotExist):
			return false, fmt.Errorf("filestore: looking for the key file: %w", err)
		case options.Existing:
			return false, fmt.Errorf("filestore: %w: %s", fs.ErrNotExist, path)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("filestore: opening the database: %w", err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("filestore: %s is not a regular file", path)
	case info.Size() == 0:
		// bbolt would make a new database of it. A start that was killed at its very beginning leaves an empty file
		// too.
		return false, fmt.Errorf("%w: %s is empty; if nothing was ever kept there, begin anew by `secrets init`", ErrDamaged, path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return false, fmt.Errorf("filestore: closing the database to others: %w", err)
		}
	}
	// In read-only mode bbolt takes the lock and reads only the head pages.
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
	if err == nil && untouched && options.Existing {
		return false, fmt.Errorf("filestore: %w: nothing was ever written to %s", fs.ErrNotExist, path)
	}
	return untouched, translated(err)
}

// begin reads or makes the key, and checks or makes the content. The caller has locked the database.
func (s *Store) begin(keyFile string, untouched bool) error {
	key, err := readKey(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if !untouched {
			return fmt.Errorf("%w: %s", ErrKeyMissing, keyFile)
		}
		// The database's name must be on the disk before the key is. After a power cut, a key alone would look as if
		// its database had been lost.
		syncDirectory(filepath.Dir(s.database.Path()))
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

// Made reports whether Open began a new database, in which nobody is enrolled.
func (s *Store) Made() bool { return s.made }

// DeriveKey makes a 32-byte key for another purpose, so that other parts can seal what they store with the same key
// file. Different labels give independent keys.
func (s *Store) DeriveKey(label string) []byte {
	key, err := derive(s.sealer.root, "for others: "+label)
	if err != nil {
		// HKDF fails only for lengths that are not used here.
		panic(err)
	}
	return key
}

// Close releases the file. Later operations return factor.ErrUnavailable.
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
