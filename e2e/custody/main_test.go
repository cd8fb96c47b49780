package custody

import (
	"os"
	"testing"

	"sallyport/e2e/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
