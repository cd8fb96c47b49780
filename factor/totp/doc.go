// Package totp implements the one-time codes of authenticator apps (RFC 6238) as a kind of factor.
package totp
