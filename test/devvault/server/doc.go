//go:build !race

// Package server runs Vault itself: the core of github.com/hashicorp/vault with storage in memory, in a folder or in
// raft, initialised, unsealed and with the engines and sign-in methods that Sallyport's tests need.
//
// Vault is licensed BUSL. This module is for development and tests, and no part of it is in the product.
//
// The package is left out of builds with the race detector, so that `go test -race` of the module does not compile all
// of Vault a second time. Its tests start the program as it is normally built.
package server
