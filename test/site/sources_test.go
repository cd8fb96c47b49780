package site

import (
	"testing"

	"sallyport.example/sallyport/test/checkout"
)

// TestLookAtSources: it reads a whole checkout, except tests and generated files.
func TestLookAtSources(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	if err := lookAtSources(root); err != nil {
		t.Error(err)
	}
}
