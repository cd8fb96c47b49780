package factor

import (
	"context"
	"fmt"
	"sync"
)

// Version counts the changes of a record; 0 means that there is none. A number that stood for one state of a key's
// record must never stand for another one, even after Delete and a new Put. Otherwise a caller that read before the
// deletion could overwrite what came after it.
type Version uint64

// Store keeps records. Every change is a compare-and-set, so that of any number of parallel attempts, in any number of
// processes, one succeeds.
//
// Implementations are safe for concurrent use, return copies, call Record.Validate after decoding and before encoding
// (EncodeRecord and DecodeRecord do), and return for an ended context an error that is neither ErrNotFound nor
// ErrConflict. Package storetest has the conformance suite.
type Store interface {
	// Get reads the record of key. ErrNotFound only if there certainly is no record; ErrUnavailable if the store cannot
	// be asked; ErrCorrupt if what is stored cannot be used.
	Get(ctx context.Context, key Key) (Record, Version, error)
	// Put writes the record if it is at the expected version, and returns the new version. Expected 0 creates it.
	// ErrConflict if the version differs, which includes that there is a record (expected 0) or none (any other).
	Put(ctx context.Context, key Key, record Record, expected Version) (Version, error)
	// Delete removes the record, with everything that earlier versions contained, if it is at the expected version.
	// ErrConflict if the version differs, ErrNotFound if there is none.
	Delete(ctx context.Context, key Key, expected Version) error
}

// Key names one record: one user of one app.
type Key struct {
	// App is the protected application; users of different apps never share a record.
	App string
	// User is the identity exactly as it was established. It may contain any characters, so a Store must never use it
	// as a path or a pattern.
	User string
}

// MemoryStore is a Store without persistence, for tests. It keeps encoded documents, so that what it returns is never
// shared, and so that it has the same limits as the real stores.
type MemoryStore struct {
	mutex     sync.Mutex
	documents map[Key]memoryDocument
	last      Version // over all keys and never reused, so that a version number stands for one state only
	failure   error
}

type memoryDocument struct {
	content []byte
	version Version
}

// NewMemoryStore makes an empty MemoryStore.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{documents: make(map[Key]memoryDocument)}
}

// Fail makes every operation return err from now on, wrapped in ErrUnavailable; nil ends that. For tests of P6.
func (m *MemoryStore) Fail(err error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.failure = err
}

// Get implements Store.
func (m *MemoryStore) Get(ctx context.Context, key Key) (Record, Version, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.usable(ctx); err != nil {
		return Record{}, 0, err
	}
	document, ok := m.documents[key]
	if !ok {
		return Record{}, 0, ErrNotFound
	}
	record, err := DecodeRecord(document.content)
	if err != nil {
		return Record{}, 0, err
	}
	return record, document.version, nil
}

// Put implements Store.
func (m *MemoryStore) Put(ctx context.Context, key Key, record Record, expected Version) (Version, error) {
	content, err := EncodeRecord(record)
	if err != nil {
		return 0, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.usable(ctx); err != nil {
		return 0, err
	}
	if m.documents[key].version != expected {
		return 0, ErrConflict
	}
	m.last++
	m.documents[key] = memoryDocument{content: content, version: m.last}
	return m.last, nil
}

// Delete implements Store.
func (m *MemoryStore) Delete(ctx context.Context, key Key, expected Version) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	document, ok := m.documents[key]
	if !ok {
		return ErrNotFound
	}
	if document.version != expected {
		return ErrConflict
	}
	delete(m.documents, key)
	return nil
}

func (m *MemoryStore) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if m.failure != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, m.failure)
	}
	return nil
}
