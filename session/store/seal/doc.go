// Package seal encrypts sessions at rest: it stands around any session.Store, and what lies behind it sees no app, no
// user and no cookie.
//
// # The seal
//
// XChaCha20-Poly1305 under a key of a ring, with a random nonce of 24 bytes, which does not repeat however many
// sessions one key seals. The format, the key's number and the token under which the value is stored are authenticated
// with it: a value that somebody moves to another token, or relabels, does not open. What it cannot tell is an older
// value of the same token put back by somebody who may write to the store; the session's own deadline, which is sealed
// with it, bounds what that is worth.
//
// # Keys
//
// The ring comes through Keys, from wherever secrets are kept. To change keys, add a new one to the ring and make it
// the current one: values are opened with whichever key they name and sealed with the current one, so that every
// session moves over the next time it is written, which for one in use is within the minute. Remove the old key once
// the longest lifetime has passed. Nobody is signed out by that. A ring has to be published where all nodes find it
// before anybody seals with its current key, and the number of a key is never used for another one.
//
// # When something is wrong (P6)
//
// Where the ring cannot be had, every session is an error. Where the ring is there, and a value names a key that is not
// in it even after it was read afresh, or does not open, there is no such session: the key was taken away, or the value
// is damaged. Neither is ever somebody's session.
package seal
