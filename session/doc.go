// Package session keeps the gateway's own sessions, one for each browser, over scs.
//
// A Shared stands for one store in one process and outlives reloads of the configuration; a Manager is one site's view of
// it. Sessions are loaded and committed explicitly: there is no middleware here, for a session has to be written before
// the first byte of an answer, and a request that only reads must never write.
//
// What the package promises (design 3):
//
//   - P5: a session holds one state and one identity, and lives as long as that state allows.
//   - P6: a store that fails is an error, never "no such session".
//   - P8: a token that was destroyed or renewed is dead for ever, also for a slow request that began before.
//
// scs knows no compare-and-set. Changes to one session are therefore made under a lock of its token, each from a fresh
// read; that holds within one process. Over several processes the store's tombstones keep dead tokens dead, but two
// changes at the same moment may lose one of the two: whatever must be counted belongs into the user's record (P7).
package session
