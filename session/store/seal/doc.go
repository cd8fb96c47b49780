// Package seal encrypts sessions at rest: it is put around any session.Store, which then sees no app, no user and no
// cookie.
//
// # The seal
//
// XChaCha20-Poly1305 under a key of a ring, with a random nonce of 24 bytes, which does not repeat however many
// sessions one key seals. The format, the key's number and the token under which the value is stored are authenticated
// with it, so a value that an attacker moves to another token, or relabels, does not open. The seal cannot detect an
// older value of the same token that somebody with write access to the store puts back. The session's own deadline,
// which is sealed with it, limits what that can achieve.
//
// # Keys
//
// The ring comes from Keys, wherever secrets are kept. To change keys, add a new one to the ring and make it the
// current one: values are opened with whichever key they name and sealed with the current one, so every session moves
// to it the next time it is written, which for one in use is within the minute. Remove the old key once the longest
// lifetime has passed. That signs nobody out. A ring has to be published where all nodes find it before any node seals
// with its current key, and the number of a key is never reused for another one.
//
// # When something is wrong (P6)
//
// If the ring is not available, every session is an error. If the ring is available, and a value does not open or names
// a key that is not even in the ring when read again, there is no such session: the key was removed, or the value is
// damaged. In neither case does it become anybody's session.
package seal
