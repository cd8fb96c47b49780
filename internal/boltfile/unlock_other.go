//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package boltfile

import "os"

// unlock does nothing where bbolt locks in another way: the lock is let go of when the process ends.
func unlock(*os.File) error { return nil }
