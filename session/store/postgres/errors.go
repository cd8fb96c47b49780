package postgres

import "errors"

// Errors of this store, for errors.Is. Those that change no session are session.ErrGone and session.ErrChanged.
var (
	// ErrAddress: the address of the server is not one that pgx understands.
	ErrAddress = errors.New("not an address of PostgreSQL, such as postgres://user:password@127.0.0.1:5432/database?sslmode=verify-full; " +
		"in a password, write characters such as / @ : # ? % as %2F %40 %3A %23 %3F %25")
	// ErrNewer: the table was changed by a newer version of the gateway, which this one does not understand.
	ErrNewer = errors.New("the table sallyport_sessions is of a newer version of Sallyport")
)
