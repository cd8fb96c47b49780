// Package checkout finds the folder that a test runs in the midst of.
package checkout

import (
	"errors"
	"os"
	"path/filepath"
)

// Root is the folder of the checkout that the working directory lies in. `go test` runs each package in its own folder.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		// It is known by the room of its binary, since modules lie within one another and their path may change.
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
