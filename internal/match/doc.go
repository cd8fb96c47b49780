// Package match compares names that a client sends with names that an operator wrote: globs for paths, cookies and
// headers, the one canonical spelling of a path, and the folds under which other programs take two names for the same.
//
// Everything here is pure and safe for concurrent use.
package match
