//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package boltfile

import (
	"os"
	"syscall"
)

// unlock lets go of the lock that bbolt took. Closing the file is not enough while its memory is mapped.
func unlock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
