// Package boltfile opens bbolt databases that may be damaged. bbolt trusts what it reads: a damaged page can end the
// process by a fault, an endless recursion or a panic. Here the file is looked over before bbolt may touch it, and what
// goes wrong later is an error that leaves the process alive.
package boltfile

import "errors"

var (
	// ErrInUse says that another process holds the database.
	ErrInUse = errors.New("the database is in use by another process")
	// ErrDamaged says that the file is not what bbolt wrote.
	ErrDamaged = errors.New("the database is damaged")
)
