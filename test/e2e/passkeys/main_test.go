// Package passkeys tests passkeys over the wire: the real binary in front of the demo app, with Chromium and its
// virtual devices, and with scripts that say what no browser would.
package passkeys

import (
	"os"
	"testing"

	"sallyport.example/sallyport/test/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
