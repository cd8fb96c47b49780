package sms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"sallyport.example/sallyport/internal/tlserror"
)

// Why a message was not sent. An operator does something else about each.
var (
	// ErrNumber: it is not a telephone number.
	ErrNumber = errors.New("sms: not a telephone number")
	// ErrUnreachable: there is no gateway at the address, or it hung up.
	ErrUnreachable = errors.New("the gateway cannot be reached")
	// ErrSlow: the gateway did not answer in time. It may send the message all the same.
	ErrSlow = errors.New("the gateway does not answer in time")
	// ErrTLS: there is no encryption, or the certificate cannot be trusted.
	ErrTLS = errors.New("no encrypted connection to the gateway")
	// ErrLogin: the gateway does not accept whoever asks (401, 403).
	ErrLogin = errors.New("the gateway does not accept the credentials")
	// ErrRefused: the gateway answered with a status that is no success.
	ErrRefused = errors.New("the gateway refuses the message")
)

// SendError is the error of a message that was not sent.
type SendError struct {
	// Kind is one of the errors above.
	Kind error
	// Server is host and port. The rest of the address may have a password in it, or the message.
	Server string
	// Code is the status of the answer; 0 if there was none. What the answer says is left out: it may repeat the
	// message.
	Code int
	// why is what happened, where nothing secret can be in it.
	why string
}

// Error names the gateway, and what an operator can look up.
func (f *SendError) Error() string {
	text := "sms: " + f.Server + ": " + f.Kind.Error()
	if f.Code != 0 {
		text += fmt.Sprintf(" (%d)", f.Code)
	}
	if f.why != "" {
		text += ": " + f.why
	}
	return text
}

// Unwrap is for errors.Is.
func (f *SendError) Unwrap() error { return f.Kind }

// answered is the error of an answer that is no success.
func (h *HTTP) answered(code int) *SendError {
	failure := &SendError{Kind: ErrRefused, Server: h.server, Code: code}
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		failure.Kind = ErrLogin
	case code >= 300 && code < 400:
		failure.why = "redirects are not followed"
	}
	return failure
}

// fail says what went wrong on the way to a gateway, and repeats no address.
func (h *HTTP) fail(ctx context.Context, err error) *SendError {
	failure := &SendError{Kind: ErrUnreachable, Server: h.server}
	var network net.Error
	var operation *net.OpError
	switch {
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		failure.Kind = ErrSlow
	case badTLS(err):
		failure.Kind, failure.why = ErrTLS, whyTLS(err)
	case errors.As(err, &operation):
		failure.why = operation.Err.Error() // what the system says, such as "connection refused"
	}
	return failure
}

// badTLS reports whether an error is about the encryption.
func badTLS(err error) bool {
	return tlserror.Is(err) || strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// whyTLS is what is wrong with the encryption.
func whyTLS(err error) string {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &authority):
		return "nobody knows who signed its certificate"
	case errors.As(err, &verification):
		return "its certificate is not valid"
	}
	return "the handshake failed"
}
