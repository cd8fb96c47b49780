// Package fault is a handler between a client and a Vault server that simulates faults: late answers, refusals, and
// connections that are cut before or after Vault has carried the request out. It also counts the requests.
//
// It uses the standard library only, so that it can be tested with the race detector without compiling Vault.
package fault
