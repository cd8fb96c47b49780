// Package presets has the suite of real apps: each preset in front of the very app that it is for, installed from
// Debian, npm or the Go proxy and unchanged. It says what a preset has to hold (suite_test.go), and each app says how
// people use it, and by which doors one can come in with a password alone.
//
// The light ones run with all other tests, the rest with `make test-apps` (build tag allapps). What the suite saw it
// writes to docs/apps.md if SALLYPORT_APPS_TABLE names that file.
package presets
