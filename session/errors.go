package session

import "errors"

// Errors of this package, for errors.Is.
var (
	// ErrGone: the token is not alive: it was destroyed or renewed, or the session has expired. Nothing was written. A
	// store returns it from Commit for a token that was deleted before.
	ErrGone = errors.New("session is gone")

	// ErrChanged: a store did not write because the session is no longer the one that was expected. A Manager tries
	// again by itself and never returns it.
	ErrChanged = errors.New("session was changed meanwhile")

	// ErrStore: the store could not be asked or written. It tells nothing about the session.
	ErrStore = errors.New("session store failed")

	// ErrTooLarge: the session would not fit into MaxEncoded bytes, or its Delivery not into MaxDelivery. Nothing was
	// written.
	ErrTooLarge = errors.New("session is too large")

	// ErrFull: the memory store holds as many sessions as it may, and none that could make room. It always comes
	// wrapped in ErrStore.
	ErrFull = errors.New("memory for sessions is full")

	// ErrInvalid: the data has a state that is none.
	ErrInvalid = errors.New("session data is invalid")
)

// errUndecodable: stored bytes that this version cannot read. To callers that is no session at all.
var errUndecodable = errors.New("stored session cannot be decoded")
