package checkout_test

import (
	"os"
	"path/filepath"
	"testing"

	"sallyport.example/sallyport/test/checkout"
)

// TestRoot: the checkout is found from a folder below it, and from nowhere else.
func TestRoot(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "test", "checkout", "checkout.go")); err != nil {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	if root, err := checkout.Root(); err == nil {
		t.Errorf("outside of a checkout: %s", root)
	}
}
