package filestore

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// keySize is the length of the key in bytes.
const keySize = 32

// maxKeyFile is the longest key file that is read.
const maxKeyFile = 1024

// readKey reads the key file. A missing one is fs.ErrNotExist.
func readKey(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("filestore: opening the key file: %w", err)
	}
	defer func() { _ = file.Close() }()
	// Check the opened file and not the path, which may be a link or may point to another file by now.
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("filestore: opening the key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrKeyMalformed, path)
	}
	// Windows has no such bits; Go makes them up there.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o", ErrPermissions, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("filestore: reading the key file: %w", err)
	}
	key, ok := parseKey(string(text))
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrKeyMalformed, path)
	}
	return key, nil
}

// parseKey reads hexadecimal or base64 of any flavour, with white space around it.
func parseKey(text string) ([]byte, bool) {
	text = strings.TrimSpace(text)
	if len(text) > maxKeyFile {
		return nil, false
	}
	if key, err := hex.DecodeString(text); err == nil && len(key) == keySize {
		return key, true
	}
	text = strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := encoding.Strict().DecodeString(text); err == nil && len(key) == keySize {
			return key, true
		}
	}
	return nil, false
}

// createKey makes a key file, completely or not at all, and never replaces one: it writes under another name and then
// makes a link.
func createKey(path string, random io.Reader) ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("filestore: reading random bytes: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("filestore: making the key file's directory: %w", err)
	}
	temporary := path + ".new"
	// A start that was killed may have left it. No other process uses it, since the database is locked.
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("filestore: making the key file: %w", err)
	}
	if err := writeExclusively(temporary, hex.EncodeToString(key)+"\n"); err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temporary) }()
	if err := os.Link(temporary, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("filestore: making the key file: %w", err)
		}
		// Some file systems have no hard links.
		if err := writeExclusively(path, hex.EncodeToString(key)+"\n"); err != nil {
			return nil, err
		}
	}
	syncDirectory(filepath.Dir(path))
	return key, nil
}

// writeExclusively makes a file of mode 0600 that did not exist, and syncs it to the disk.
func writeExclusively(path, content string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("filestore: making the key file: %w", err)
	}
	defer func() {
		if closing := file.Close(); err == nil && closing != nil {
			err = fmt.Errorf("filestore: writing the key file: %w", closing)
		}
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	if _, err := file.WriteString(content); err != nil {
		return fmt.Errorf("filestore: writing the key file: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("filestore: writing the key file: %w", err)
	}
	return nil
}

// syncDirectory makes a new name in the directory survive a power cut, if the system supports that.
func syncDirectory(path string) {
	directory, err := os.Open(path)
	if err != nil {
		return
	}
	_ = directory.Sync()
	_ = directory.Close()
}
