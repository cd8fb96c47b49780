//go:build race

package main

import (
	"fmt"
	"os"
)

// main refuses, because package server is left out of builds with the race detector; its doc comment says why.
func main() {
	fmt.Fprintln(os.Stderr, "devvault: build it without -race")
	os.Exit(2)
}
