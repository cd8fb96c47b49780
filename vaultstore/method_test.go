package vaultstore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/vault/api"
)

// write puts content into a file by rename, as Vault Agent does, and returns its path.
func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadCredential(t *testing.T) {
	folder := t.TempDir()
	for content, want := range map[string]string{
		"hvs.CAESIJ":                         "hvs.CAESIJ",
		"hvs.CAESIJ\n":                       "hvs.CAESIJ",
		"hvs.CAESIJ\r\n":                     "hvs.CAESIJ",
		" a secret id of one's own \n\n":     "a secret id of one's own",
		"":                                   "",
		"\n":                                 "",
		"one\ntwo\n":                         "",
		"one\x00two":                         "",
		strings.Repeat("x", maxCredential):   strings.Repeat("x", maxCredential),
		strings.Repeat("x", maxCredential+1): "",
	} {
		path := write(t, filepath.Join(folder, "credential"), content)
		got, err := readCredential(path)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: got %.20q, %v", content, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "one\n") || strings.Contains(err.Error(), "xx")) {
			t.Errorf("%.20q: %v", content, err)
		}
		if (markOf(path) == credentialMark{}) != (want == "") {
			t.Errorf("%.20q: its mark", content)
		}
	}
	if _, err := readCredential(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, pipe} { // reading from a pipe would wait for its writer
		if _, err := readCredential(path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestMark: another content has another mark, the line's end does not count, and the mark does not show the content.
func TestMark(t *testing.T) {
	folder := t.TempDir()
	first := markOf(write(t, filepath.Join(folder, "first"), "hvs.one"))
	if second := markOf(write(t, filepath.Join(folder, "second"), "hvs.two")); first == second {
		t.Error("two contents have the same mark")
	}
	if same := markOf(write(t, filepath.Join(folder, "same"), "hvs.one\n")); first != same {
		t.Error("a line's end makes another mark")
	}
	if strings.Contains(string(first[:]), "hvs.one") {
		t.Error("the mark shows the credential")
	}
}

func TestMount(t *testing.T) {
	for mount, want := range map[string]string{
		"approle": "approle", "/team/approle/": "team/approle", "": "", "/": "", "a//b": "", "../sys": "", "a/../b": "",
		"a/./b": "", "a?b": "", "a#b": "", "a b": "", "a\nb": "", "a%2e": "",
	} {
		method, ok := AppRole("role", "file", Mount(mount)).(appRoleMethod)
		if err := method.validate(); !ok || (err == nil) != (want != "") || err == nil && method.options.mount != want {
			t.Errorf("%q: %q, %v", mount, method.options.mount, err)
		}
	}
}

// TestMethodsValidate: a missing setting is an error before anything is tried.
func TestMethodsValidate(t *testing.T) {
	for want, method := range map[string]Method{
		"the token is empty":                            Token(" \n"),
		"the token has characters that no token has":    Token("hvs.one two"),
		"the token has characters that no token has ":   Token("hvs.one\ntwo"),
		"the file is not named":                         TokenFile(""),
		"the role ID is empty":                          AppRole("", "file"),
		"the secret ID's file is not named":             AppRole("role", ""),
		"the role is empty":                             Kubernetes(""),
		"the service account token's file is not named": Kubernetes("role", ServiceAccountTokenFile("")),
		"the mount path is empty":                       Kubernetes("role", Mount("")),
		`the mount path "../../sys" is none`:            Cert("", Mount("../../sys")),
		"":                                              Token("hvs.one\n"), " ": TokenFile("file"), "  ": AppRole("role", "file"), "   ": Kubernetes("role"), "    ": Cert(""),
	} {
		text := ""
		if err := method.validate(); err != nil {
			text = err.Error()
		}
		if text != strings.TrimSpace(want) {
			t.Errorf("%s: %q and not %q", method.Name(), text, want)
		}
	}
}

// TestP9_MethodsKeepTheirSecrets: printing the settings by accident shows no token.
func TestP9_MethodsKeepTheirSecrets(t *testing.T) {
	const secret = "hvs.CAESIJsecret"
	t.Setenv("VAULT_TOKEN", secret)
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	for _, method := range []Method{Token(secret), environmentToken()} {
		c, err := NewConnection(ConnectionSettings{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []any{method, &method, ConnectionSettings{Method: method}, &ConnectionSettings{Method: method}} {
			logger.Info("settings", "value", value)
			fmt.Fprintf(&log, "%v %+v %#v %s", value, value, value, value)
		}
		fmt.Fprintf(&log, "%v %+v", c, c)
		c.Close()
	}
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), "CAESIJ") {
		t.Error(log.String())
	}
}

// TestP9_AnswersAreNotRepeated: another server on the way to Vault may answer with a page that repeats the request and
// its token. For an answer that is not Vault's the error gives only the status, in one line; the chain is kept for the
// classification.
func TestP9_AnswersAreNotRepeated(t *testing.T) {
	for want, cause := range map[string]error{
		"vaultstore: signing in at https://v: the answer was 502": &api.ResponseError{
			StatusCode: 502, RawError: true, Errors: []string{"<pre>X-Vault-Token: hvs.secret</pre>"},
		},
		"vaultstore: signing in at https://v: the answer was 400: invalid role or secret ID": fmt.Errorf("unable to log in: %w",
			&api.ResponseError{StatusCode: 400, URL: "https://v/v1/auth/approle/login", Errors: []string{"invalid role\n\tor \x1b secret ID"}}),
		"vaultstore: signing in at https://v: the answer was 503":                     &api.ResponseError{StatusCode: 503},
		"vaultstore: signing in at https://v: " + strings.Repeat("ä", maxWords) + "…": errors.New(strings.Repeat("ä", 300)),
	} {
		err := error(&connectionError{"signing in", "https://v", cause})
		if err.Error() != want {
			t.Errorf("%q and not %q", err, want)
		}
		if !errors.Is(err, cause) {
			t.Error("the chain is broken")
		}
	}
}

// TestCredentialRefused: Vault's refusal of a credential is distinguished from an outage.
func TestCredentialRefused(t *testing.T) {
	for status, want := range map[int]bool{
		400: true, 401: true, 403: true, 404: true, 405: true, 408: false, 412: false, 425: false, 429: false,
		472: true, 500: false, 501: false, 502: false, 503: false, 504: false, 307: false,
	} {
		err := fmt.Errorf("signing in: %w", &connectionError{"signing in", "https://v", &api.ResponseError{StatusCode: status}})
		if credentialRefused(err) != want {
			t.Errorf("%d: %v", status, !want)
		}
	}
	for _, err := range []error{nil, errNoCredential, &net.OpError{Op: "dial", Err: errors.New("refused")}, errClosed} {
		if credentialRefused(err) {
			t.Errorf("%v", err)
		}
	}
}

// TestJudgeToken: a token is dead only if Vault says so. A refusal that may concern the lookup only, an answer of
// another server, and an outage do not mean that.
func TestJudgeToken(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want tokenState
	}{
		"live":        {nil, tokenLive},
		"dead":        {&api.ResponseError{StatusCode: 403, Errors: []string{"2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"}}, tokenDead},
		"no policy":   {&api.ResponseError{StatusCode: 403, Errors: []string{"1 error occurred:\n\t* permission denied\n\n"}}, tokenUnclear},
		"a proxy":     {&api.ResponseError{StatusCode: 403, RawError: true, Errors: []string{"<h1>invalid token</h1>"}}, tokenUnknown},
		"sealed":      {&api.ResponseError{StatusCode: 503, Errors: []string{"Vault is sealed"}}, tokenUnknown},
		"limited":     {&api.ResponseError{StatusCode: 429}, tokenUnknown},
		"bad request": {&api.ResponseError{StatusCode: 400, Errors: []string{"invalid token"}}, tokenUnknown},
		"away":        {&net.OpError{Op: "dial", Err: errors.New("refused")}, tokenUnknown},
	} {
		if got := judgeToken(test.err); got != test.want {
			t.Errorf("%s: %d and not %d", name, got, test.want)
		}
	}
}
