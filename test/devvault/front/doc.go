// Package front is the part of devvault that clients see: a listener that can go down and come back on the same port,
// its certificate, the fault layer behind it, and the control address by which a test controls all of this.
//
// It uses the standard library only, so that it can be tested with the race detector without compiling Vault, and so
// that it can be used in front of a Vault that runs elsewhere.
package front
