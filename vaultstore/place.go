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

// sessionKeyName is the name of the document that has the session keys. Records are one folder deeper, so no app can
// have this name.
const sessionKeyName = "session-key"

// plainApp matches the names of apps that appear unchanged in a path.
var plainApp = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// plainPath is the form of a mount or path: it appears in policies, where some characters have a meaning.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// folder returns the part of a path for an app: its name, or its SHA-256 if the name has characters with a meaning in a
// path or a policy.
func folder(app string) string {
	if plainApp.MatchString(app) {
		return app
	}
	hash := sha256.Sum256([]byte(app))
	return "~" + hex.EncodeToString(hash[:])
}

// place returns the place of a key's document, below the mount's data/ or metadata/. It contains only a hash of the
// identity: names such as `../bob`, `a/b` or `*` must reach nothing but their own record.
func (s *Store) place(key factor.Key) string {
	hash := sha256.Sum256([]byte(key.User))
	return s.path + "/" + folder(key.App) + "/" + hex.EncodeToString(hash[:])
}

// Place returns the place of a user's record for operators, as `vault kv get` expects it.
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

// readable returns a name in the form that custom metadata accept: printable, of 1 to 512 bytes. It is for people;
// nothing is decided by it.
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
