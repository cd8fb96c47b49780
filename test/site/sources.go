package site

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lookAtSources checks every file that the binary is built from. `go test` caches results by the files that a test
// accesses, and does not know those that a compiler reads for the test. Without this it would reuse results of tests
// with an earlier binary.
func lookAtSources(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // the file is gone, such as a temporary file of another test
		case !entry.IsDir():
			if !strings.HasSuffix(path, "_test.go") {
				_, _ = os.Stat(path)
			}
		case path != root && (strings.HasPrefix(entry.Name(), ".") || slices.Contains(notSources, entry.Name())):
			return filepath.SkipDir
		}
		return nil
	})
}

// notSources are folders without sources of the binary.
var notSources = []string{"artifacts", "bin", "docs", "packaging", "test", "testdata", "tools"}
