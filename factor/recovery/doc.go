// Package recovery is the kind of factor of recovery codes: a set of them stands in for an authenticator that was lost.
// Alone it is no second factor.
package recovery
