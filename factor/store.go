package factor

import "context"

// Version counts the changes of a record; 0 means that there is none. A number that stood for one state of a key's
// record must never stand for another: also not after Delete and a new Put, or else someone who read before the
// deletion could overwrite what came after it.
type Version uint64

// Store keeps records. Every change is a compare-and-set, so that of any number of parallel attempts, in any number of
// processes, one wins.
//
// Implementations are safe for concurrent use, hand out copies, call Record.Validate after decoding and before
// encoding (EncodeRecord and DecodeRecord do), and answer a finished context with an error that is neither ErrNotFound
// nor ErrConflict. Package storetest holds the conformance suite.
type Store interface {
	// Get reads the record of key. ErrNotFound only where there certainly is no record; ErrUnavailable when the store
	// cannot be asked; ErrCorrupt when what is stored cannot be used.
	Get(ctx context.Context, key Key) (Record, Version, error)
	// Put writes the record if it is at the expected version, and returns the new version. Expected 0 creates it.
	// ErrConflict when the version differs, which includes that there is a record (expected 0) or none (any other).
	Put(ctx context.Context, key Key, record Record, expected Version) (Version, error)
	// Delete removes the record, with everything that earlier versions held, if it is at the expected version.
	// ErrConflict when the version differs, ErrNotFound when there is none.
	Delete(ctx context.Context, key Key, expected Version) error
}
