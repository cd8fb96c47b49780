package vaultstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"sallyport.example/sallyport/factor"
)

// Defaults of Settings.
const (
	DefaultMount = "secret"
	DefaultPath  = "sallyport"
)

// sessionKeyName is the name of the document that holds the key of sessions. Records lie one folder deeper, so that no
// app can have this name.
const sessionKeyName = "session-key"

// plainApp are names of apps that stand in a path as they are.
var plainApp = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// plainPath is what a mount or a path may look like: it stands in policies, where some signs have a meaning.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// folder is the part of a path that stands for an app: its name, or its SHA-256 where the name has signs that mean
// something in a path or a policy.
func folder(app string) string {
	if plainApp.MatchString(app) {
		return app
	}
	hash := sha256.Sum256([]byte(app))
	return "~" + hex.EncodeToString(hash[:])
}

// place is the document of a key, below the mount's data/ or metadata/. The identity never stands in it, only its hash:
// names such as `../bob`, `a/b` or `*` must reach nothing but their own record.
func (s *Store) place(key factor.Key) string {
	hash := sha256.Sum256([]byte(key.User))
	return s.path + "/" + folder(key.App) + "/" + hex.EncodeToString(hash[:])
}

// Place tells an operator where the record of a user lies, as `vault kv get` wants it.
func (s *Store) Place(key factor.Key) string { return s.engine.mount + "/" + s.place(key) }

// cleanPath checks the setting of a mount or a path.
func cleanPath(setting, value, standard string) (string, error) {
	value = strings.Trim(value, "/")
	if value == "" {
		value = standard
	}
	if !plainPath.MatchString(value) {
		return "", fmt.Errorf("%s: %q: want names of letters, digits, '-', '_' and '.', with '/' between them", setting, value)
	}
	return value, nil
}

// readable is a name as custom metadata take it: printable, of 1 to 512 bytes. It is for people; nothing is decided by
// it.
func readable(name string) string {
	var out strings.Builder
	for _, r := range name {
		switch {
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			r = '\uFFFD'
		}
		if out.Len()+4 > 500 {
			out.WriteString("…")
			break
		}
		out.WriteRune(r)
	}
	if out.Len() == 0 {
		return "(empty)"
	}
	return out.String()
}
