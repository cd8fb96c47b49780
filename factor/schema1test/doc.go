// Package schema1test is a frozen copy of the version before schema 2, for tests only: records as its code wrote them,
// byte for byte (Golden), and its reader and writer of records and of Vault's documents. It uses nothing of package
// factor, so that no change there can change this copy. Whatever today's code writes for a node of that version has to
// be accepted here.
//
// The files in golden were made by the code of commit 81e941c, with a fixed clock and fixed random bytes. They are
// never made anew: a test that wants other bytes is wrong.
package schema1test

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed golden/*.json
var golden embed.FS

// The sorts of files in golden.
const (
	// Records are documents of records.
	Records = "record"
	// Proposals are set-ups that are kept in a session until they are confirmed.
	Proposals = "proposal"
	// VaultPlain are Vault's documents with the seed in the record.
	VaultPlain = "vault-plain"
	// VaultSealed are Vault's documents with the seed sealed by transit, as SealedSeed.
	VaultSealed = "vault-sealed"
)

// SealedSeed stands for the sealed seed in the documents of VaultSealed.
const SealedSeed = "vault:v1:c2VhbGVk"

// File is one golden file.
type File struct {
	// Name says what is special about it, such as "throttled".
	Name    string
	Content []byte
}

// Golden returns the files of a sort, in the order of their names. The app is always "wiki"; the user is "alice" except
// in "hard-name".
func Golden(sort string) []File {
	entries, err := golden.ReadDir("golden")
	if err != nil {
		panic(err) // embedded: only a build could have lost them
	}
	var files []File
	for _, entry := range entries {
		name, ok := strings.CutPrefix(strings.TrimSuffix(entry.Name(), ".json"), sort+"-")
		if !ok {
			continue
		}
		content, err := golden.ReadFile(path.Join("golden", entry.Name()))
		if err != nil {
			panic(err)
		}
		files = append(files, File{Name: name, Content: content})
	}
	if len(files) == 0 {
		panic(fmt.Sprintf("schema1test: no golden file of the sort %q", sort))
	}
	return files
}

// One returns the content of one golden file.
func One(sort, name string) []byte {
	files := Golden(sort)
	at := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
	if at < 0 {
		panic(fmt.Sprintf("schema1test: no golden file %s-%s", sort, name))
	}
	return files[at].Content
}
