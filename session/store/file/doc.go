// Package file keeps sessions in a bbolt database, for one gateway process whose sessions should survive a restart.
// Values are stored as they are: put package session/store/seal around the store.
//
// # Durability
//
// A change that was reported as made is on the disk (bbolt syncs twice for each transaction), so neither kill -9 nor a
// power failure brings a token back to life that was destroyed or renewed. bbolt's NoSync, which would be faster, can
// leave a file that cannot be read after a power failure. The cost is acceptable because changes that come while the
// disk is busy are written together, with one sync for all of them and without waiting for more, and because reading
// writes nothing.
//
// # Indexes
//
// The sessions of each account, and those of strangers in the order in which they began, are also listed in buckets of
// their own, which change in the same transactions. A file of a version without them can still be read.
//
// # What can go wrong
//
// Another process has the file open: every call fails with ErrInUse until that process has ended. The file is damaged:
// it is renamed to a name that ends in ".damaged", and a new one is begun; everybody has to sign in again, and nobody
// gets in without that. The disk is full: changes fail, and reading goes on. Reading a memory-mapped file cannot be
// interrupted, so a disk that hangs delays readers for longer than Timeout.
package file
