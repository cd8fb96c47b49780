// Package mailpit pins the mail server that tests send to (github.com/axllent/mailpit, MIT). It is a module of its own,
// so that nothing of it is in the product's go.mod. test/servers builds and runs it.
package mailpit
