// Package passkey is the kind of factor that is a passkey or a security key (WebAuthn Level 3): a key pair of which the
// user's device, or whoever keeps the user's passkeys, has the private half. The signatures, and the CBOR around them,
// are github.com/go-webauthn/webauthn's; what is asked, kept and refused is said here.
//
// An answer holds for the origin at which the question was asked, and for the RP ID of the site's settings, so that no
// page in between can pass it on. docs/decisions/0025-passkeys.md says why things are as they are.
package passkey
