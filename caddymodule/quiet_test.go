package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// TestP9_ErrorsHaveNoTextOfTheApps: an error keeps its status, but not the text in which a transport quotes the app's
// answer.
func TestP9_ErrorsHaveNoTextOfTheApps(t *testing.T) {
	const secret = "sid=s3cret"
	wrapped := func(err error) error {
		return fmt.Errorf("net/http: HTTP/1.x transport connection broken: %s: %w", secret, err)
	}
	for _, test := range []struct {
		err    error
		status int
		want   failure
	}{
		{caddyhttp.Error(http.StatusBadGateway, wrapped(textproto.ProtocolError("malformed MIME header line: Set-Cookie "+secret))), 502, errMalformed},
		{caddyhttp.Error(http.StatusBadGateway, wrapped(errors.New("malformed HTTP response"))), 502, errMalformed},
		{caddyhttp.Error(http.StatusGatewayTimeout, wrapped(os.ErrDeadlineExceeded)), 504, errTimeout},
		{caddyhttp.Error(http.StatusGatewayTimeout, wrapped(context.DeadlineExceeded)), 504, errTimeout},
		{caddyhttp.Error(499, wrapped(context.Canceled)), 499, errLeft},
		{caddyhttp.Error(http.StatusBadGateway, wrapped(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})), 502, errRefused},
		{caddyhttp.Error(http.StatusBadGateway, wrapped(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH})), 502, errDial},
		{caddyhttp.Error(http.StatusBadGateway, wrapped(&net.DNSError{Err: secret})), 502, errAddress},
		{caddyhttp.Error(http.StatusBadGateway, wrapped(io.ErrUnexpectedEOF)), 502, errEnd},
		{caddyhttp.Error(http.StatusBadGateway, wrapped(&net.OpError{Op: "write", Err: net.ErrClosed})), 502, errEnd},
		{caddyhttp.Error(http.StatusServiceUnavailable, errors.New(secret)), 503, errNobody},
		{errors.New(secret), 500, errOtherwise},
	} {
		got := quiet(test.err)
		handled, ok := got.(caddyhttp.HandlerError) //nolint:errorlint // as the server does
		if !ok || handled.StatusCode != test.status || !errors.Is(got, test.want) || handled.ID == "" {
			t.Errorf("%v: %v", test.err, got)
		}
		if strings.Contains(got.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", handled.Err), secret) {
			t.Errorf("it says %v", got)
		}
	}
	if quiet(nil) != nil {
		t.Error("nil became an error")
	}
}

// TestQuietKeepsTheOperatorsWords: the text of the Caddyfile's `error` is kept, because it is for error pages.
func TestQuietKeepsTheOperatorsWords(t *testing.T) {
	r := prepared("/")
	err := (caddyhttp.StaticError{Error: "closed for today", StatusCode: "410"}).ServeHTTP(nil, r, nil)
	if got := quiet(err); !strings.Contains(got.Error(), "closed for today") || !strings.Contains(got.Error(), "410") {
		t.Errorf("%v", got)
	}
}
