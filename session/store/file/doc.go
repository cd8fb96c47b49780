// Package file keeps sessions in a bbolt database, for one gateway process that wants them to outlive a restart. Values
// are stored as they come: put package session/store/seal around the store.
//
// # Durability
//
// A change that was reported as made is on the disk (bbolt syncs twice for each transaction), so that neither kill -9
// nor a power failure brings a token back to life that was destroyed or renewed. bbolt's NoSync, which would be faster,
// can leave a file that cannot be read after a power failure. What makes it affordable is that changes which come while
// the disk is busy are written together, with one sync for all of them, and without waiting for more to come; and that
// reading writes nothing.
//
// # Indexes
//
// The sessions of each account, and those of strangers in the order in which they came, stand in buckets of their own,
// which change in the same transactions. A file of a version without them is read as it is.
//
// # What can go wrong
//
// Another process holds the file: every call fails with ErrInUse until that one has ended. The file is damaged: it is
// set aside, with ".damaged" behind its name, and a new one begun; everybody has to sign in again, and nobody gets in.
// The disk is full: changes fail, reading goes on. Reading memory that maps a file cannot be interrupted, so that a
// disk which hangs holds up readers for longer than Timeout.
package file
