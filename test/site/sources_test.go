package site

import (
	"testing"

	"sallyport.example/sallyport/test/checkout"
)

// TestLookAtSources: it finds its way through a checkout, tests and all that is made in it left out.
func TestLookAtSources(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	if err := lookAtSources(root); err != nil {
		t.Error(err)
	}
}
