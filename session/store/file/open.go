package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/internal/boltfile"
)

const (
	// lockTimeout is how long one attempt waits for another process to release the file.
	lockTimeout = 500 * time.Millisecond
	// openAgain is how long the error of a failed attempt is returned before the next attempt.
	openAgain = 250 * time.Millisecond
	// stuckAfter is how long a lost database's writer may take to end.
	stuckAfter = 500 * time.Millisecond
	// damagedSuffix is appended to the name of a damaged file.
	damagedSuffix = ".damaged"
)

// database is the open file with its writer and its sweeper.
type database struct {
	handle  *boltfile.Handle
	options Options
	reading sync.Mutex // see read
	queue   chan *request
	quit    chan struct{}
	running sync.WaitGroup
	// count is the number of entries, strangers that of strangers' entries. Once the writer runs, only it uses them.
	count, strangers int
	// unlabelled is how many live sessions have no label, including expired ones that were not swept yet.
	unlabelled atomic.Int64
	// committing is true while bbolt writes a transaction, and stays true if that ended the database.
	committing atomic.Bool
}

// opening is one attempt to open the file. It goes on even if all callers have stopped waiting for it.
type opening struct {
	done chan struct{} // closed when db and err are set
	db   *database
	err  error
	at   time.Time // when it ended
}

// open returns the open database. If it is not open, or not usable any more, it opens it.
func (s *Store) open(ctx context.Context) (*database, error) {
	if db := s.current.Load(); db != nil && !db.handle.Lost() {
		return db, nil
	}
	s.mutex.Lock()
	if s.closed {
		s.mutex.Unlock()
		return nil, ErrClosed
	}
	if s.latest == nil || s.latest.obsolete() {
		s.latest = s.begin(s.latest)
	}
	latest := s.latest
	s.mutex.Unlock()
	select {
	case <-latest.done:
		return latest.db, latest.err
	case <-ctx.Done():
		return nil, fmt.Errorf("opening the file of sessions: %w", ctx.Err())
	}
}

// abandon renames a file that was lost while it was written to. The damage is in a part that opening does not check
// (such as the list of free pages), so the file would be lost again at every write.
func (s *Store) abandon(lost *database) error {
	if !lost.committing.Load() {
		return nil
	}
	err := setAside(s.path, s.options, boltfile.ErrDamaged)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// obsolete reports whether another attempt is due.
func (o *opening) obsolete() bool {
	select {
	case <-o.done:
		return o.db != nil && o.db.handle.Lost() || o.err != nil && time.Since(o.at) >= openAgain
	default:
		return false
	}
}

// begin starts an attempt. It first closes what the previous one opened. The caller holds the mutex.
func (s *Store) begin(before *opening) *opening {
	o := &opening{done: make(chan struct{})}
	go func() {
		defer close(o.done)
		defer func() { o.at = time.Now() }()
		if before != nil && before.db != nil {
			_ = before.db.close() // it is lost, and its error was already reported
			if o.err = s.abandon(before.db); o.err != nil {
				return
			}
		}
		o.db, o.err = openDatabase(s.path, s.options)
		if o.err == nil {
			s.current.Store(o.db)
		}
	}()
	return o
}

// Close waits for changes that are under way and releases the file. Later calls get ErrClosed. Calling it again does
// nothing.
func (s *Store) Close() error {
	s.mutex.Lock()
	closed, latest := s.closed, s.latest
	s.closed = true
	s.mutex.Unlock()
	if closed || latest == nil {
		return nil
	}
	<-latest.done
	s.current.Store(nil)
	if latest.db == nil {
		return nil
	}
	if err := latest.db.close(); err != nil {
		return fmt.Errorf("closing the file of sessions: %w", err)
	}
	return nil
}

// close waits for changes that are under way. In a lost database they may wait for a lock that is never released, so
// those that have not ended after a while are abandoned.
func (db *database) close() error {
	close(db.quit)
	ended := make(chan struct{})
	go func() {
		db.running.Wait()
		close(ended)
	}()
	for waiting := true; waiting; {
		select {
		case <-ended:
			waiting = false
		case <-time.After(stuckAfter):
			waiting = !db.handle.Lost()
		}
	}
	return db.handle.Close()
}

func openDatabase(path string, options Options) (*database, error) {
	if err := prepare(path, options); err != nil {
		return nil, err
	}
	bolts := boltfile.Options{Timeout: lockTimeout, KeepFree: true}
	if strconv.IntSize == 64 {
		bolts.Mapped = 1 << 30 // address space only; up to this size a walk over the sessions delays nobody
	}
	handle, err := boltfile.Open(path, bolts)
	if errors.Is(err, boltfile.ErrDamaged) { // this damage only bbolt notices
		if err = setAside(path, options, err); err == nil {
			handle, err = boltfile.Open(path, bolts)
		}
	}
	if err != nil {
		return nil, translated(err)
	}
	db := &database{handle: handle, options: options, queue: make(chan *request), quit: make(chan struct{})}
	err = db.read(func(entries *bolt.Bucket) error {
		if entries == nil {
			return nil
		}
		if strangers := entries.Tx().Bucket(strangersBucket); strangers != nil {
			if err := strangers.ForEach(func(_, _ []byte) error { db.strangers++; return nil }); err != nil {
				return err
			}
		}
		return entries.ForEach(func(_, stored []byte) error {
			db.count++
			found, _ := parseEntry(stored)
			db.unlabelled.Add(int64(found.unlabelled()))
			return nil
		})
	})
	if err != nil {
		_ = handle.Close()
		return nil, err
	}
	db.running.Add(2)
	go db.writeUntilQuit()
	go db.sweepUntilQuit()
	return db, nil
}

// prepare makes the directory, restricts access to the file, and renames it if it is damaged.
func prepare(path string, options Options) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("making the directory of the file of sessions: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("opening the file of sessions: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case info.Size() == 0:
		return nil // the process ended before anything was written
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("closing the file of sessions to others: %w", err)
		}
	}
	err = inspect(path)
	if !errors.Is(err, boltfile.ErrDamaged) {
		return translated(err)
	}
	return setAside(path, options, err)
}

// setAside renames a damaged file, and replaces an earlier one of that name. Sessions are worth less than a gateway
// that works: without them nobody is let in, and everybody can sign in again.
func setAside(path string, options Options, damage error) error {
	options.Logger.Error("the file of sessions is damaged; it is set aside, and everybody has to sign in again",
		"file", path, "kept", path+damagedSuffix, "error", damage)
	if err := os.Rename(path, path+damagedSuffix); err != nil {
		return fmt.Errorf("setting the damaged file of sessions aside: %w", err)
	}
	return nil
}

// inspect checks the file while nobody can write to it.
func inspect(path string) error {
	locked, err := boltfile.Open(path, boltfile.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = locked.Close() }()
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the file of sessions: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("opening the file of sessions: %w", err)
	}
	_, err = boltfile.Inspect(file, info.Size())
	return err
}
