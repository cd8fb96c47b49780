//go:build race

package main

import (
	"fmt"
	"os"
)

// main refuses: package server does not exist in a build with the race detector, which says why.
func main() {
	fmt.Fprintln(os.Stderr, "devvault: build it without -race")
	os.Exit(2)
}
