package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport.example/sallyport/test/checkout"
	"sallyport.example/sallyport/test/process"
)

// MailUser is the user who may send mail if a Mailpit requires a password, which is Password.
const MailUser = "user@example.com"

// MailOptions are the settings of a Mailpit. The zero value accepts messages from everybody, without encryption.
type MailOptions struct {
	// TLS requires TLS from the first byte, and STARTTLS requires STARTTLS. CACert is then the certificate's authority.
	TLS, STARTTLS bool
	// Auth requires MailUser and Password.
	Auth bool
	// Untaken is a comma-separated list of the commands that get an error, such as `Recipient:550:100`.
	Untaken string
}

// Mailpit is a mail server that keeps its messages for tests to read.
type Mailpit struct {
	*server
	// SMTP is the host and port at which it accepts messages.
	SMTP string
	// CACert is the PEM file of the authority of its certificate; empty without TLS.
	CACert string
}

// StartMailpit starts a Mailpit. $SALLYPORT_MAILPIT names a built one; otherwise it is built, which takes a minute the
// first time.
func StartMailpit(t testing.TB, options MailOptions) *Mailpit {
	t.Helper()
	binary := os.Getenv("SALLYPORT_MAILPIT")
	if binary == "" {
		var err error
		if binary, err = buildMailpit(); err != nil {
			t.Fatalf("build mailpit: %v", err)
		}
	}
	m := &Mailpit{server: newServer(t, "mailpit")}
	var err error
	if m.SMTP, err = process.FreeAddress(); err != nil {
		t.Fatal(err)
	}
	arguments := []string{
		binary, "--listen", m.address, "--smtp", m.SMTP, "--database", filepath.Join(m.Folder, "mail.db"), "--disable-version-check",
		"--smtp-disable-rdns",
	}
	if options.TLS || options.STARTTLS {
		certificate, key := Certificate(m.t, m.Folder, "localhost")
		m.CACert = certificate
		arguments = append(arguments, "--smtp-tls-cert", certificate, "--smtp-tls-key", key)
	}
	if options.TLS {
		arguments = append(arguments, "--smtp-require-tls")
	}
	if options.STARTTLS {
		arguments = append(arguments, "--smtp-require-starttls")
	}
	if options.Auth {
		arguments = append(arguments, "--smtp-auth-file", m.file("auth", MailUser+":"+Password+"\n"))
		if m.CACert == "" {
			arguments = append(arguments, "--smtp-auth-allow-insecure")
		}
	}
	if options.Untaken != "" {
		arguments = append(arguments, "--chaos-triggers", options.Untaken)
	}
	m.run(arguments, func() error {
		line, err := new(net.Dialer).DialContext(t.Context(), "tcp", m.SMTP)
		if err != nil {
			return err
		}
		_ = line.Close()
		_, err = m.Messages()
		return err
	})
	return m
}

// Received is a message as it came.
type Received struct {
	ID      string
	Subject string
	To      []struct{ Name, Address string }
	From    struct{ Name, Address string }
	// Text and HTML are the decoded parts, Header has the headers, and Raw is the whole message as it came.
	Text, HTML string
	Header     http.Header
	Raw        string
}

// Messages returns the messages received so far, the oldest first.
func (m *Mailpit) Messages() ([]Received, error) {
	var list struct{ Messages []struct{ ID string } }
	if err := m.get("/api/v1/messages?limit=1000", &list); err != nil {
		return nil, err
	}
	var all []Received
	for i := len(list.Messages) - 1; i >= 0; i-- {
		var one Received
		id := list.Messages[i].ID
		if err := errors.Join(m.get("/api/v1/message/"+id, &one), m.get("/api/v1/message/"+id+"/headers", &one.Header)); err != nil {
			return nil, err
		}
		raw, err := m.fetch("/api/v1/message/" + id + "/raw")
		if err != nil {
			return nil, err
		}
		one.Raw = string(raw)
		all = append(all, one)
	}
	return all, nil
}

// Wait waits until so many messages have come, and returns all of them.
func (m *Mailpit) Wait(count int) []Received {
	m.t.Helper()
	deadline := time.Now().Add(readyTimeout)
	for {
		all, err := m.Messages()
		if err == nil && len(all) >= count {
			return all
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("%d messages came, want %d: %v", len(all), count, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (m *Mailpit) get(path string, into any) error {
	body, err := m.fetch(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func (m *Mailpit) fetch(path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+m.address+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("mailpit: %s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// file writes a file into the server's folder.
func (m *Mailpit) file(name, content string) string {
	m.t.Helper()
	path := filepath.Join(m.Folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// buildMailpit builds the server once in this process. Several test packages run at once: one builds, the others wait.
var buildMailpit = sync.OnceValues(func() (string, error) {
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, "test", "mailpit")
	binary := filepath.Join(folder, "bin", "mailpit")
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(folder, "bin", "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // closing releases the lock
	for {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	command := exec.Command("go", "build", "-o", binary, "github.com/axllent/mailpit")
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(output)))
	}
	return binary, nil
})
