// Package fault stands between a client and a Vault server and goes wrong on demand: late answers, refusals,
// connections that are cut before or after Vault has done what it was asked. It counts the requests as well.
//
// It uses the standard library only, so that it can be tested with the race detector without compiling Vault.
package fault
