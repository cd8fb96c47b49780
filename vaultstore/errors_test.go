package vaultstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/factor"
)

// TestP6_EveryFault: each trouble with Vault has an error of its own kind, which is always factor.ErrUnavailable and
// never factor.ErrNotFound. The error of a write that may have been made says so.
func TestP6_EveryFault(t *testing.T) {
	answer := func(status int, words ...string) error {
		return fmt.Errorf("wrapped: %w", &api.ResponseError{StatusCode: status, Errors: words})
	}
	at := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://vault/v1/secret/data/sallyport/wiki/2bd806c9", Err: err}
	}
	for _, test := range []struct {
		name    string
		err     error
		kind    error
		unclear bool
	}{
		{"refused", at(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), ErrUnreachable, true},
		{"reset", at(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), ErrUnreachable, true},
		{"half an answer", errors.New("unexpected EOF"), ErrUnreachable, true},
		{"too slow", at(context.DeadlineExceeded), ErrTimeout, true},
		{"the client left", at(context.Canceled), ErrTimeout, true},
		{"unknown authority", at(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), ErrTLS, false},
		{"another host", at(x509.HostnameError{Certificate: new(x509.Certificate)}), ErrTLS, false},
		{"no TLS", at(tls.RecordHeaderError{}), ErrTLS, false},
		{"HTTP in place of HTTPS", at(errors.New("http: server gave HTTP response to HTTPS client")), ErrTLS, false},
		{"a redirect to HTTP", errors.New("redirect would cause protocol downgrade"), ErrTLS, false},
		{"sealed", answer(503, "Vault is sealed"), ErrSealed, false},
		{"not initialised", answer(503, "Vault is not initialized"), ErrSealed, false},
		{"standby", answer(503, "Vault is in standby mode"), ErrStandby, false},
		{"no active node", answer(500, "local node not active but active cluster node not found"), ErrStandby, false},
		{"denied", answer(403, "1 error occurred:\n\t* permission denied\n\n"), ErrDenied, false},
		{"rate", answer(429, "request path \"secret/data\": rate limit quota exceeded"), ErrRateLimited, false},
		{"no mount", answer(404, "no handler for route \"secret/data/x\". route entry not found."), ErrMount, false},
		{"bad request", answer(400, "invalid"), ErrServer, false},
		{"internal error", answer(500, "internal error"), ErrServer, true},
		{"a proxy's error", &api.ResponseError{StatusCode: 502, RawError: true, Errors: []string{"<html>token=hvs.SECRET"}}, ErrServer, true},
	} {
		err := classify("reading a record", test.err)
		if !errors.Is(err, test.kind) || !errors.Is(err, factor.ErrUnavailable) || errors.Is(err, factor.ErrNotFound) || errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: %v", test.name, err)
		}
		if isUnclear(err) != test.unclear {
			t.Errorf("%s: unclear %v", test.name, isUnclear(err))
		}
		if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "SECRET") || strings.Contains(text, "2bd806c9") {
			t.Errorf("%s reads %q", test.name, text)
		}
		if again := classify("again", err); again != err { //nolint:errorlint // the very same one
			t.Errorf("%s: classified twice: %v", test.name, again)
		}
		var cause *api.ResponseError
		if errors.As(test.err, &cause) != errors.As(err, &cause) {
			t.Errorf("%s: the cause is lost", test.name)
		}
	}
	if classify("reading", nil) != nil {
		t.Error("nil became an error")
	}
}
