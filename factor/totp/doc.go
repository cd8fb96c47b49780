// Package totp is the kind of factor of authenticator apps: time-based one-time codes (RFC 6238).
package totp
