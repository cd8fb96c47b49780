// Package apps runs real, unchanged web applications, most of them as Debian packages them. Tests put the gateway in
// front of them.
//
// Each app listens on 127.0.0.1 at a free port, keeps its files below a temporary folder of the test, and ends with the
// test. A program that is missing fails the test: scripts/install-test-packages installs what is needed.
//
// The tests of this package use the apps without the gateway. They record how each app signs in and out, because the
// gateway's configuration for it depends on that.
package apps

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sallyport.example/sallyport/test/process"
)

// readyTimeout is how long an app may take from its start to its first answer. Django's takes about two seconds on an
// idle machine; tests run on busy ones.
const readyTimeout = 90 * time.Second

// Account is a user of an app.
type Account struct {
	// Name is the account's name exactly as the app spells it.
	Name string
	// Password is in plain text; it is a test's.
	Password string
	// FullName and Email are what the app knows about the person, if it stores these.
	FullName, Email string
}

// Alice and Bob have an account in every app, and Mallory one with Bob's rights. The passwords pass Django's rules.
var (
	Alice = Account{Name: "alice", Password: "orchid-lantern-42", FullName: "Alice Example", Email: "alice@example.com"}
	Bob   = Account{Name: "bob", Password: "walnut-harbour-77", FullName: "Bob Example", Email: "bob@example.com"}

	Mallory = Account{Name: "mallory", Password: "cobalt-thimble-58", FullName: "Mallory Example", Email: "mallory@example.com"}
)

// everybody are the accounts in apps that have several.
var everybody = []Account{Alice, Bob, Mallory}

// App is a running application.
type App struct {
	// Name is the app's name in messages: "django", "dokuwiki" and so on.
	Name string
	// Address is host and port: 127.0.0.1:40123.
	Address string
	// URL is the address of the app's root without a slash at the end: http://127.0.0.1:40123.
	URL string
	// Folder holds the app's files, configuration and data.
	Folder string
	// Version names the app and its version, for people.
	Version string

	server *process.Process
	// user is the system user that the app runs as and that owns the folder; nil: the tests' own.
	user *syscall.Credential
}

// Log returns what the app's server has written so far. For most apps that includes a line for each request, so a test
// can check that a request never reached the app.
func (a *App) Log() string { return a.server.Log() }

// Stop ends the app before the test does, as a crash would: at once. Calling it again does nothing.
func (a *App) Stop() { a.server.Stop() }

// serve starts command, which must listen on the app's address, and waits until readyPath answers with 200. The server
// ends with the test.
func (a *App) serve(t testing.TB, readyPath string, command func(address string) process.Program) {
	t.Helper()
	a.serveUntil(t, readyPath, http.StatusOK, command)
}

// serveUntil is like serve, for an app whose answer to a stranger has another status.
func (a *App) serveUntil(t testing.TB, readyPath string, status int, command func(address string) process.Program) {
	t.Helper()
	logFile := filepath.Join(t.TempDir(), a.Name+".log")

	// Between finding a free port and listening on it another process may take it. Then the server ends at once, and
	// the next port is tried.
	const tries = 5
	for try := 1; ; try++ {
		address, err := process.FreeAddress()
		if err != nil {
			t.Fatalf("%s: %v", a.Name, err)
		}
		a.Address, a.URL = address, "http://"+address
		program := command(address)
		program.User = a.user
		process.Give(t, a.Folder, a.user)
		a.server, err = process.Start(program, logFile)
		if err != nil {
			t.Fatalf("%s: %v", a.Name, err)
		}
		t.Cleanup(a.server.Stop)

		err = a.waitUntilReady(t.Context(), readyPath, status)
		if err == nil {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("what %s wrote:\n%s", a.Name, process.LastLines(a.Log(), 60))
				}
			})
			return
		}
		if try == tries || !a.server.Ended() {
			t.Fatalf("%s: %v\nwhat it wrote:\n%s", a.Name, err, process.LastLines(a.Log(), 60))
		}
	}
}

// waitUntilReady asks until the app answers with the status, its server ends, or readyTimeout is over.
func (a *App) waitUntilReady(ctx context.Context, path string, status int) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		err := answers(ctx, a.URL+path, status)
		if err == nil {
			return nil
		}
		select {
		case <-a.server.Done():
			return fmt.Errorf("the server ended before it answered: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("no good answer within %v: %w", readyTimeout, err)
		case <-pause.C:
		}
	}
}

// answers sends one request. It ignores the answer's body.
func answers(ctx context.Context, address string, status int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != status {
		return fmt.Errorf("%s answered %s", address, answer.Status)
	}
	return nil
}

// write writes a file below the app's folder, and makes the folders on its path.
func (a *App) write(t testing.TB, name, content string) {
	t.Helper()
	path := filepath.Join(a.Folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("%s: %v", a.Name, err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatalf("%s: %v", a.Name, err)
	}
}
