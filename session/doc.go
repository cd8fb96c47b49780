// Package session keeps the gateway's own sessions, one for each browser, over scs.
//
// A Shared is one store in one process and outlives reloads of the configuration; a Manager is one site's view of it.
// Sessions are loaded and committed explicitly, without middleware, because a session must be written before the first
// byte of an answer, and a request that only reads must never write.
//
// What the package promises (contract 3):
//
//   - P5: a session holds one state and one identity, and lives as long as that state allows.
//   - P6: a store that fails is an error, never "no such session".
//   - P8: a token that was destroyed or renewed is dead for ever, also for a slow request that began before.
//
// scs has no compare-and-set. Changes to one session are therefore made under a lock of its token, each from a fresh
// read; that protects within one process. If several processes share a store, it must be a Swapper: a change that was
// overtaken is then repeated on top of what the other process wrote, and a dead token stays dead even in a store that
// was emptied. Other stores keep dead tokens dead by their tombstones, but may lose one of two simultaneous changes.
//
// Nobody can use more space than their share: all strangers together have a share of each store, and an account has a
// limited number of sessions. A store learns from a Label which account a session belongs to, finds by it the sessions
// of an account (Index), and learns no name.
//
// The stores: Memory here; file, redis and postgres in session/store, where values are also sealed. Each passes the
// suite in session/storetest.
package session

import "errors"

// Errors of this package, for errors.Is.
var (
	// ErrGone: the token is not alive: it was destroyed or renewed, or the session has expired. Nothing was written. A
	// store returns it from Commit for a token that was deleted before.
	ErrGone = errors.New("session is gone")

	// ErrChanged: a store did not write because the session is not the expected one any more. A Manager retries by
	// itself and never returns it.
	ErrChanged = errors.New("session was changed meanwhile")

	// ErrStore: the store could not be read or written. It says nothing about the session.
	ErrStore = errors.New("session store failed")

	// ErrTooLarge: the session would not fit into MaxEncoded bytes, or its Delivery not into MaxDelivery. Nothing was
	// written.
	ErrTooLarge = errors.New("session is too large")

	// ErrFull: the memory store has as many sessions as it may, and cannot end any of them. It is always wrapped in
	// ErrStore.
	ErrFull = errors.New("memory for sessions is full")

	// ErrInvalid: the data has an unknown state.
	ErrInvalid = errors.New("session data is invalid")
)

// errUndecodable: stored bytes that this version cannot read. Callers treat them as no session.
var errUndecodable = errors.New("stored session cannot be decoded")
