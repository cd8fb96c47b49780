package redis

import "errors"

// Errors of this store, for errors.Is. Those that change no session are session.ErrGone and session.ErrChanged.
var (
	// ErrAddress: the address of the server is not one that this package understands.
	ErrAddress = errors.New("not an address of Redis, such as redis://127.0.0.1:6379/0; " +
		"in a password, write characters such as / @ : # ? % as %2F %40 %3A %23 %3F %25")
	// ErrEvicts: the server deletes keys when its memory is full, and sessions with them. Its setting maxmemory-policy
	// must be noeviction.
	ErrEvicts = errors.New("the server may evict sessions: set the maxmemory-policy of Redis to noeviction")
	// ErrAnswer: Redis answered something that no script of this package returns.
	ErrAnswer = errors.New("unexpected answer of Redis")
)
