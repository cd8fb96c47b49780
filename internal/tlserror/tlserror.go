// Package tlserror recognises the errors of a connection that was to be encrypted.
package tlserror

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// Is reports whether an error is about the encryption: a certificate that cannot be trusted, an answer that is not TLS,
// or a handshake that the other side broke off.
func Is(err error) bool {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}
