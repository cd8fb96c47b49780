package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"sallyport.example/sallyport/internal/tlserror"
)

// Why a message was not sent. An operator does something else about each.
var (
	// ErrAddress: it is not the address of one mailbox.
	ErrAddress = errors.New("mail: not an e-mail address")
	// ErrUnreachable: there is no server at the address, or it hung up.
	ErrUnreachable = errors.New("the server cannot be reached")
	// ErrSlow: the server did not answer in time.
	ErrSlow = errors.New("the server does not answer in time")
	// ErrTLS: there is no encryption, or the certificate cannot be trusted.
	ErrTLS = errors.New("no encrypted connection to the server")
	// ErrLogin: the server does not accept the user and the password.
	ErrLogin = errors.New("the server does not accept the user and the password")
	// ErrRefused: the server does not take the message, now (Temporary) or at all.
	ErrRefused = errors.New("the server refuses the message")
	// ErrLost: the queue is full, or closed; the message will not be sent.
	ErrLost = errors.New("mail: the queue is full")
)

// SendError is the error of a message that was not sent.
type SendError struct {
	// Kind is one of the errors above.
	Kind error
	// Server is host and port.
	Server string
	// Code is what the server answered, such as 550, and Status its enhanced status code (RFC 3463), such as 5.1.1. Its
	// words are left out: they may repeat the address, and who knows what else.
	Code   int
	Status string
	// why is what happened, where nothing secret can be in it.
	why string
}

// Error names the server, and what an operator can look up.
func (f *SendError) Error() string {
	text := "mail: " + f.Server + ": " + f.Kind.Error()
	if f.Code != 0 {
		text += fmt.Sprintf(" (%d", f.Code)
		if f.Status != "" {
			text += " " + f.Status
		}
		text += ")"
	}
	if f.why != "" {
		text += ": " + f.why
	}
	return text
}

// Unwrap is for errors.Is.
func (f *SendError) Unwrap() error { return f.Kind }

// Temporary reports whether the same message may be taken later.
func Temporary(err error) bool {
	var failure *SendError
	if !errors.As(err, &failure) {
		return false
	}
	switch {
	case errors.Is(failure.Kind, ErrUnreachable), errors.Is(failure.Kind, ErrSlow):
		return true
	case errors.Is(failure.Kind, ErrTLS):
		return failure.Code != 0 // a broken handshake may be mended; a certificate is not by waiting
	}
	return failure.Code >= 400 && failure.Code < 500
}

// enhanced is the status code in front of a server's words.
var enhanced = regexp.MustCompile(`^([245]\.\d{1,3}\.\d{1,3})\b`)

// fail says what went wrong with a server.
func (s *SMTP) fail(ctx context.Context, err error, signingIn bool) *SendError {
	failure := &SendError{Kind: ErrUnreachable, Server: s.address}
	var answer *textproto.Error
	var sending *gomail.SendError
	var network net.Error
	var operation *net.OpError
	switch {
	case errors.As(err, &answer):
		failure.Kind, failure.Code = ErrRefused, answer.Code
		if found := enhanced.FindString(answer.Msg); found != "" {
			failure.Status = found
		}
	case errors.As(err, &sending) && sending.ErrorCode() != 0:
		failure.Kind, failure.Code, failure.Status = ErrRefused, sending.ErrorCode(), sending.EnhancedStatusCode()
	case expired(ctx), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		failure.Kind = ErrSlow
		return failure
	case badTLS(err):
		failure.Kind, failure.why = ErrTLS, whyTLS(err)
		return failure
	case errors.As(err, &operation):
		failure.why = operation.Err.Error() // what the system says, such as "connection refused"
		return failure
	}
	if failure.Code == 530 && s.user == "" {
		failure.Kind, failure.why = ErrLogin, "the URL names no user"
	}
	if signingIn && (failure.Code == 0 && errors.Is(failure.Kind, ErrUnreachable) && !hungUp(err) || saysLogin(failure.Code)) {
		failure.Kind = ErrLogin
	}
	return failure
}

// expired reports whether the time is over. The connection's deadline is the same moment, and may strike first.
func expired(ctx context.Context) bool {
	until, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(until)
}

// hungUp reports whether the connection ended.
func hungUp(err error) bool {
	text := err.Error()
	return strings.HasSuffix(text, "EOF") || strings.Contains(text, "broken pipe") || strings.Contains(text, "reset by peer")
}

// saysLogin reports whether an answer is about who asks (RFC 4954, 6).
func saysLogin(code int) bool {
	switch code {
	case 432, 454, 500, 530, 534, 535, 538:
		return true
	}
	return false
}

// badTLS reports whether an error is about the encryption.
func badTLS(err error) bool {
	return tlserror.Is(err) || strings.Contains(err.Error(), "STARTTLS mode set to") || strings.Contains(err.Error(), "tls: ")
}

// whyTLS is what is wrong with the encryption.
func whyTLS(err error) string {
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &verification):
		return verification.Err.Error()
	case strings.Contains(err.Error(), "STARTTLS mode set to"):
		return "it does not offer STARTTLS"
	case strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		return "it does not speak TLS there (smtps); smtp uses STARTTLS"
	}
	return "the handshake failed"
}

// IsLost reports whether a message found no room, or the queue was closed before it was sent.
func IsLost(err error) bool { return errors.Is(err, ErrLost) }
