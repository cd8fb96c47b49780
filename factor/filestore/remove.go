package filestore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"sallyport.example/sallyport/factor"
)

// ErrNotEmpty says that there are records in the file.
var ErrNotEmpty = errors.New("filestore: there are records in it")

// Remove closes a store that holds no record, and deletes its database and its key file. It overwrites the key first:
// without the key, nothing can be read from the database's blocks if they are found on the disk later.
func Remove(s *Store) error {
	s.mutex.Lock()
	if s.database == nil {
		s.mutex.Unlock()
		return fmt.Errorf("%w: it is closed", factor.ErrUnavailable)
	}
	if len(s.versions) != 0 {
		s.mutex.Unlock()
		return ErrNotEmpty
	}
	path := s.database.Path()
	s.mutex.Unlock()
	if err := s.Close(); err != nil {
		return err
	}
	if err := overwrite(s.keyFile); err != nil {
		return fmt.Errorf("filestore: deleting the key: %w", err)
	}
	for _, file := range []string{s.keyFile, path} {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("filestore: deleting: %w", err)
		}
	}
	return nil
}

// overwrite replaces a file's bytes in place, and waits until they are on the disk.
func overwrite(path string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	noise := make([]byte, info.Size())
	_, _ = rand.Read(noise) // never fails, see crypto/rand
	if _, err := file.WriteAt(noise, 0); err != nil {
		return err
	}
	return file.Sync()
}
