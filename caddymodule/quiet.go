package caddymodule

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// failure is the error text that is used for errors of the rest of the route. Errors of transports quote what the app
// sent, for instance a malformed Set-Cookie, and end up in logs and error pages (P9), so only the kind of error is
// given.
type failure string

func (f failure) Error() string { return string(f) }

// The kinds of failures.
const (
	errTimeout   failure = "the app did not answer in time"
	errLeft      failure = "the client left before the app had answered"
	errAddress   failure = "the app's host name could not be resolved"
	errRefused   failure = "the app refused the connection"
	errDial      failure = "the app could not be reached"
	errTLS       failure = "no TLS connection with the app came about"
	errEnd       failure = "the app closed the connection before it had answered"
	errMalformed failure = "the app's answer is malformed"
	errTooLarge  failure = "the request's body is too large"
	errNobody    failure = "no upstream is available"
	errOtherwise failure = "a handler behind second_factor failed"
)

// quiet returns an error without its text. It keeps the status, and the context's errors for errors.Is.
func quiet(err error) error {
	if err == nil {
		return nil
	}
	handled, ok := err.(caddyhttp.HandlerError) //nolint:errorlint // the server checks for the exact type too
	if !ok {
		handled = caddyhttp.Error(http.StatusInternalServerError, err)
	}
	if ownWords(handled) {
		return handled
	}
	handled.Err = kindOf(handled)
	return handled
}

// ownWords reports whether an error's text is the operator's (`error`), or Caddy's about one of its files.
func ownWords(err caddyhttp.HandlerError) bool {
	return strings.HasPrefix(err.Trace, "caddyhttp.StaticError.") || strings.HasPrefix(err.Trace, "fileserver.(*FileServer).")
}

func kindOf(err caddyhttp.HandlerError) error {
	var (
		operation *net.OpError
		address   *net.DNSError
		timed     net.Error
		protocol  textproto.ProtocolError
		unknown   x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
		large     *http.MaxBytesError
	)
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled), err.StatusCode == 499:
		return errLeft
	case errors.As(err, &address):
		return errAddress
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout():
		return errTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return errRefused
	case errors.As(err, &operation) && operation.Op == "dial":
		return errDial
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &name), errors.As(err, &record), errors.As(err, &verify):
		return errTLS
	case errors.As(err, &protocol), strings.Contains(text, "malformed"):
		return errMalformed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, net.ErrClosed):
		return errEnd
	case errors.As(err, &large):
		return errTooLarge
	case err.StatusCode == http.StatusServiceUnavailable:
		return errNobody
	}
	return errOtherwise
}
