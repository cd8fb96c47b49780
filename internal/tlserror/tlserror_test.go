package tlserror

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"
)

// TestIs: each error of the encryption is known, also inside others; what only the network says is not taken for one.
func TestIs(t *testing.T) {
	for _, err := range []error{
		&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		tls.RecordHeaderError{Msg: "no TLS"},
		tls.AlertError(40),
		x509.UnknownAuthorityError{},
		x509.HostnameError{Certificate: new(x509.Certificate), Host: "a"},
		x509.CertificateInvalidError{},
	} {
		wrapped := fmt.Errorf("sending: %w", &url.Error{Op: "Post", URL: "https://a", Err: &net.OpError{Op: "remote error", Err: err}})
		if !Is(err) || !Is(wrapped) {
			t.Errorf("%T: %t, in others %t", err, Is(err), Is(wrapped))
		}
	}
	for _, err := range []error{errors.New("tls"), &net.OpError{Op: "dial", Err: errors.New("connection refused")}, net.ErrClosed} {
		if Is(err) {
			t.Errorf("%v is taken for one", err)
		}
	}
}
