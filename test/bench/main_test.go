package bench

import (
	"os"
	"testing"

	"sallyport.example/sallyport/test/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
