// Package presets has the suite of real apps: it tests each preset in front of the app that it is for, installed
// unchanged from Debian, npm or the Go proxy. suite_test.go says what must hold with every preset. Each app says how
// people use it, and by which doors a password alone gets in.
//
// The light apps run with all other tests, the rest with `make test-apps` (build tag allapps). The suite writes its
// results to docs/apps.md if SALLYPORT_APPS_TABLE names that file.
package presets
