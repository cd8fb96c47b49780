package filestore

import (
	"errors"
	"fmt"

	"sallyport/factor"
)

// Errors of Open. Operations on an open store return those of package factor.
var (
	// ErrInUse says that another process holds the database. It is a factor.ErrUnavailable.
	ErrInUse = fmt.Errorf("filestore: the database is in use by another process (%w)", factor.ErrUnavailable)
	// ErrWrongKey says that the key is not the one that the database was made with. It is a factor.ErrCorrupt.
	ErrWrongKey = fmt.Errorf("filestore: the key does not belong to this database (%w)", factor.ErrCorrupt)
	// ErrDamaged says that the database is not what was written: restore it. It is a factor.ErrCorrupt.
	ErrDamaged = fmt.Errorf("filestore: the database is damaged (%w)", factor.ErrCorrupt)
	// ErrDatabaseMissing says that the key lies beside the place of a database that is not there. Starting with an empty
	// one would let everybody in without a second factor. It is a factor.ErrCorrupt.
	ErrDatabaseMissing = fmt.Errorf(
		"filestore: there is a key but no database: restore it, or remove the key to start anew (%w)", factor.ErrCorrupt)
	// ErrKeyMissing says that there is a database but no key file.
	ErrKeyMissing = errors.New("filestore: the key file is missing")
	// ErrKeyMalformed says that the key file does not hold 32 bytes in hexadecimal or base64.
	ErrKeyMalformed = errors.New("filestore: the key file does not hold 32 bytes in hexadecimal or base64")
	// ErrPermissions says that somebody other than the owner may read the key file.
	ErrPermissions = errors.New("filestore: the key file must be readable by its owner only (mode 0600)")
)
