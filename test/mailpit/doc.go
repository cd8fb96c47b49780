// Package mailpit pins the version of the mail server for tests (github.com/axllent/mailpit, MIT). It is a module of
// its own, so that nothing of it is in the product's go.mod. Package test/servers builds and runs it.
package mailpit
