// Package front is what clients see of a Vault server: a listener that can go down and come back on the same port, its
// certificate, the fault layer behind it, and the control address from which a test moves all of this.
//
// It uses the standard library only, so that it can be tested with the race detector without compiling Vault, and so
// that it can stand in front of a Vault that runs elsewhere.
package front
