package vaultstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode"

	"github.com/hashicorp/vault/api"
)

// Method is a way of signing in to Vault, made by Token, TokenFile, AppRole, Kubernetes or Cert. Making one does no
// I/O; NewConnection reports its errors. Safe for concurrent use.
type Method interface {
	// Name is the word for the method in the configuration: token, token_file, approle, kubernetes, cert.
	Name() string

	// validate checks the method's own settings.
	validate() error
	// mark distinguishes one credential from the next without revealing it. It is zero if the credential cannot change,
	// or cannot be read now.
	mark() credentialMark
	// follows reports whether a changed credential is a new token, to be used while the old one still works.
	follows() bool
	// login signs in once, with a client that has no token. The answer's Auth has the token and its lifetime.
	login(ctx context.Context, client *api.Client) (*api.Secret, error)
}

// MethodOption changes a default of a method.
type MethodOption func(*methodOptions)

// methodOptions are what options can change.
type methodOptions struct {
	mount            string
	serviceTokenFile string
}

// Mount sets the path at which the auth method is mounted in Vault; default: the method's name in Vault ("approle",
// "kubernetes", "cert"). Token and TokenFile have none.
func Mount(path string) MethodOption {
	return func(o *methodOptions) { o.mount = strings.Trim(path, "/") }
}

// ServiceAccountTokenFile sets the file with the service account's token, for Kubernetes; default
// DefaultServiceAccountTokenFile.
func ServiceAccountTokenFile(path string) MethodOption {
	return func(o *methodOptions) { o.serviceTokenFile = path }
}

// apply returns the defaults with the options applied.
func (o methodOptions) apply(options []MethodOption) methodOptions {
	for _, option := range options {
		option(&o)
	}
	return o
}

// validateMount refuses a mount that would name another endpoint: the client cleans "a/../b" before it sends it.
func validateMount(mount string) error {
	if mount == "" {
		return errors.New("the mount path is empty")
	}
	for segment := range strings.SplitSeq(mount, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, notInMount) {
			return fmt.Errorf("the mount path %q is none", mount)
		}
	}
	return nil
}

// notInMount reports whether a character would end the path, or cannot be in a header or log line.
func notInMount(r rune) bool {
	return r == '?' || r == '#' || r == '%' || unicode.IsSpace(r) || unicode.IsControl(r)
}

// credentialMark is a digest of a credential. The zero value says that there is none to compare.
type credentialMark [sha256.Size]byte

// markOf returns the mark of a file's credential.
func markOf(path string) credentialMark {
	credential, err := readCredential(path)
	if err != nil {
		return credentialMark{}
	}
	return sha256.Sum256([]byte(credential))
}

// maxCredential bounds the size of a credential's file, in bytes: tokens of Kubernetes have some thousands at most.
const maxCredential = 64 << 10

// errNoCredential says that a credential's file is empty, as it is for a moment while it is written.
var errNoCredential = errors.New("the file is empty")

// readCredential reads a token, a secret ID or the like from a file, without the line's end. No error contains any of
// the content.
func readCredential(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxCredential+1))
	if err != nil {
		return "", err
	}
	credential := strings.TrimSpace(string(content))
	switch {
	case len(content) > maxCredential:
		return "", fmt.Errorf("%s has more than %d bytes", path, maxCredential)
	case credential == "":
		return "", fmt.Errorf("%s: %w", path, errNoCredential)
	case strings.ContainsFunc(credential, unicode.IsControl):
		return "", fmt.Errorf("%s has more than one line, or other control characters", path)
	}
	return credential, nil
}

// connectionError says what could not be done with which Vault. The cause stays in the chain for errors.As, but its
// text is not trusted: whatever answers there may not be Vault, and may repeat what it was sent.
type connectionError struct {
	doing   string
	address string
	cause   error
}

// Error returns one line that contains nothing secret.
func (e *connectionError) Error() string {
	return "vaultstore: " + e.doing + " at " + e.address + ": " + plainCause(e.cause)
}

// Unwrap returns the cause.
func (e *connectionError) Unwrap() error { return e.cause }

// maxWords is how much of Vault's own text goes into an error.
const maxWords = 200

// plainCause returns an error's text in one line. For an HTTP answer that is not Vault's it returns the status only.
func plainCause(err error) string {
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		return inOneLine(err.Error())
	}
	text := fmt.Sprintf("the answer was %d", answer.StatusCode)
	if words := strings.Join(answer.Errors, "; "); words != "" && !answer.RawError {
		text += ": " + inOneLine(words)
	}
	return text
}

// inOneLine replaces white space and control characters, and truncates the text.
func inOneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxWords {
		text = string(runes[:maxWords]) + "…"
	}
	return text
}

// credentialRefused reports whether Vault judged the credential and did not accept it. Trying the same one again hardly
// helps, and Vault locks a role after a few attempts (its user lockout). Everything else is an outage.
func credentialRefused(err error) bool {
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.StatusCode {
	case http.StatusRequestTimeout, http.StatusPreconditionFailed, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return answer.StatusCode >= 400 && answer.StatusCode < 500
}
