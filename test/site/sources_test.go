package site

import (
	"errors"
	"io/fs"
	"testing"
)

// TestLookAtSources: the module is found from a folder below it, and from nowhere else.
func TestLookAtSources(t *testing.T) {
	if err := lookAtSources("."); err != nil {
		t.Error(err)
	}
	if err := lookAtSources(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("outside a module: %v", err)
	}
}
