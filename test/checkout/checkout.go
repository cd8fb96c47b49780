// Package checkout finds the root folder of the checkout in which a test runs.
package checkout

import (
	"errors"
	"os"
	"path/filepath"
)

// Root returns the root folder of the checkout that contains the working directory. `go test` runs each package in its
// own folder.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		// The root is recognised by the folder of the binary, because modules are nested and the module path may
		// change.
		if _, err := os.Stat(filepath.Join(folder, "cmd", "sallyport", "main.go")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", errors.New("not inside a checkout of Sallyport")
		}
		folder = above
	}
}
