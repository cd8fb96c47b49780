package site

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lookAtSources looks at every file that the binary is made of. `go test` keeps the results of tests by the files of
// their own module that they look at, and knows nothing of those that a compiler reads for them: without this, results
// of tests with an earlier binary would be taken for those of this one.
func lookAtSources(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // it is gone, as other tests' files are in a moment
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

// notSources are folders in which there is nothing of the binary's.
var notSources = []string{"artifacts", "bin", "docs", "packaging", "test", "testdata", "tools"}
