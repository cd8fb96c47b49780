package filestore

import (
	"errors"
	"fmt"

	"sallyport.example/sallyport/factor"
)

// Errors of Open. Operations on an open store return those of package factor.
var (
	// ErrInUse says that another process holds the database. It is a factor.ErrUnavailable.
	ErrInUse = fmt.Errorf("filestore: the database is in use by another process (%w)", factor.ErrUnavailable)
	// ErrWrongKey says that the key is not the one that the database was made with. It is a factor.ErrCorrupt.
	ErrWrongKey = fmt.Errorf("filestore: the key does not belong to this database (%w)", factor.ErrCorrupt)
	// ErrDamaged says that the database is not what was written: restore it. It is a factor.ErrCorrupt.
	ErrDamaged = fmt.Errorf("filestore: the database is damaged (%w)", factor.ErrCorrupt)
	// ErrDatabaseMissing says that there is a key file, but no database. Starting with an empty one would let everybody
	// in without a second factor. It is a factor.ErrCorrupt.
	ErrDatabaseMissing = fmt.Errorf("filestore: the database is missing or not mounted; restore it, or begin anew, with nobody "+
		"enrolled, by `secrets init` (%w)", factor.ErrCorrupt)
	// ErrKeyMissing says that there is a database but no key file.
	ErrKeyMissing = errors.New("filestore: the key file is missing or not mounted, and nothing can be read without it; restore it, " +
		"or put the database away and begin anew, with nobody enrolled, by `secrets init`")
	// ErrExists says that Init found a database already.
	ErrExists = errors.New("filestore: there is a database already; put it away to begin anew, with nobody enrolled")
	// ErrKeyMalformed says that the key file does not hold 32 bytes in hexadecimal or base64.
	ErrKeyMalformed = errors.New("filestore: the key file does not hold 32 bytes in hexadecimal or base64")
	// ErrPermissions says that somebody other than the owner may read the key file.
	ErrPermissions = errors.New("filestore: the key file must be readable by its owner only (mode 0600)")
)
