package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/tlserror"
)

// The kinds of trouble with Vault, distinguished for the operators who have to fix them. Each is wrapped together with
// factor.ErrUnavailable, because none of them says anything about a user.
var (
	// ErrUnreachable says that no connection could be made, or that it broke.
	ErrUnreachable = errors.New("vault cannot be reached")
	// ErrTimeout says that Vault did not answer in time.
	ErrTimeout = errors.New("vault did not answer in time")
	// ErrTLS says that Vault's certificate was not accepted, or that no TLS was spoken.
	ErrTLS = errors.New("vault's certificate was not accepted")
	// ErrSealed says that Vault is sealed or not initialised: an operator has to unseal it.
	ErrSealed = errors.New("vault is sealed")
	// ErrStandby says that the node which answered is a standby that knows no active one.
	ErrStandby = errors.New("vault is a standby without an active node")
	// ErrDenied says that the token is good but its policy does not allow the call.
	ErrDenied = errors.New("vault's policy does not allow this")
	// ErrRateLimited says that a quota of Vault was used up.
	ErrRateLimited = errors.New("vault limits the rate of calls")
	// ErrMount says that there is no KV v2 engine at the mount, or no such transit key.
	ErrMount = errors.New("vault has no such mount")
	// ErrServer says that Vault failed, or that something else answered in its place.
	ErrServer = errors.New("vault answered with an error")
)

// errNoCheckAndSet says that a document was not at the expected version, so the write was certainly not made.
var errNoCheckAndSet = errors.New("check-and-set did not match")

// CallError is a failed call to Vault. It wraps factor.ErrUnavailable, its kind and its cause.
type CallError struct {
	doing  string
	kind   error
	detail string
	cause  error
	// unclear: the call may have been carried out nevertheless.
	unclear bool
}

// Error says in one line what was being done and what is wrong. It contains nothing secret.
func (f *CallError) Error() string {
	text := "vaultstore: " + f.doing + ": " + f.kind.Error()
	if f.detail != "" {
		text += " (" + f.detail + ")"
	}
	return text
}

// Unwrap lets errors.Is find factor.ErrUnavailable, the kind and the cause.
func (f *CallError) Unwrap() []error { return []error{factor.ErrUnavailable, f.kind, f.cause} }

// classify turns the error of a call into a CallError; nil and CallErrors are returned unchanged.
func classify(doing string, err error) error {
	if err == nil {
		return nil
	}
	var fault *CallError
	if errors.As(err, &fault) {
		return err
	}
	fault = &CallError{doing: doing, cause: err, unclear: true}
	var answer *api.ResponseError
	if errors.As(err, &answer) {
		fault.unclear, fault.kind = answered(answer)
		fault.detail = detail(answer)
		return fault
	}
	fault.kind = broken(err)
	fault.detail = innermost(err)
	if errors.Is(fault.kind, ErrTLS) {
		fault.unclear = false
	}
	return fault
}

// answered judges an error answer of Vault. Below 500 the call was certainly not carried out, and neither was it by a
// sealed or standby node.
func answered(answer *api.ResponseError) (unclear bool, kind error) {
	says := strings.ToLower(strings.Join(answer.Errors, " "))
	switch {
	case answer.StatusCode == http.StatusForbidden:
		return false, ErrDenied
	case answer.StatusCode == http.StatusTooManyRequests:
		return false, ErrRateLimited
	case answer.StatusCode == http.StatusNotFound:
		return false, ErrMount
	case strings.Contains(says, "sealed") || strings.Contains(says, "not initialized") || strings.Contains(says, "not yet initialized"):
		return false, ErrSealed
	case strings.Contains(says, "standby") || strings.Contains(says, "active cluster node not found"):
		return false, ErrStandby
	default:
		return answer.StatusCode >= http.StatusInternalServerError, ErrServer
	}
}

// detail returns the answer's status with the beginning of Vault's own text. A body that is not in Vault's error format
// is not quoted, because it may contain anything.
func detail(answer *api.ResponseError) string {
	text := fmt.Sprintf("status %d", answer.StatusCode)
	if answer.RawError || len(answer.Errors) == 0 {
		return text
	}
	return text + ": " + strings.TrimPrefix(inOneLine(answer.Errors[0]), "1 error occurred: * ")
}

func broken(err error) error {
	var network net.Error
	switch {
	case troubleWithCertificates(err), errors.Is(err, errRedirectScheme), tlserror.Is(err),
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"),
		strings.Contains(err.Error(), "protocol downgrade"):
		return ErrTLS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &network) && network.Timeout():
		return ErrTimeout
	default:
		return ErrUnreachable
	}
}

// innermost returns the network's own text, without the document's address that url.Error prepends.
func innermost(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return inOneLine(err.Error())
}

func isDenied(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden
}

// isUnclear reports whether a failed write may have been made.
func isUnclear(err error) bool {
	var fault *CallError
	return errors.As(err, &fault) && fault.unclear
}

func corrupt(why string) error { return fmt.Errorf("%w: %s", factor.ErrCorrupt, why) }
