// Package site runs the real gateway for the end-to-end tests: the sallyport binary as a process of its own, with a
// Caddyfile, in front of an app. Tests can send it any requests, including raw bytes, stop it, kill it, and read its
// log.
package site

import (
	"bytes"
	"context"
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

// Site is a running gateway.
type Site struct {
	// Address is the host and port on loopback, and URL the same with `http://` in front.
	Address, URL string
	// Folder has the Caddyfile and the secrets file.
	Folder string

	t         testing.TB
	binary    string
	caddyfile string
	process   *exec.Cmd
	exited    chan struct{}
	log       Buffer
}

// Options are settings that most tests do not need.
type Options struct {
	// Global are more lines of the global block.
	Global string
	// Secrets is the line for `secrets`. Default: a file in Folder.
	Secrets string
	// Sessions is the line for `sessions`. Default: memory.
	Sessions string
	// Block are further lines of the site, between second_factor and reverse_proxy.
	Block string
	// Proxy are lines of the reverse_proxy block.
	Proxy string
	// Sites are further sites of the same process.
	Sites string
	// Binary is the command to run. Default: the result of the function Binary.
	Binary string
	// Level is the log's level. Default: DEBUG, so that a test sees everything that could leak.
	Level string
}

// Start runs a gateway with the given lines inside second_factor, in front of the app at upstream (host and port), and
// stops it when the test ends.
func Start(t testing.TB, upstream, secondFactor string, options Options) *Site {
	t.Helper()
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{t: t, binary: options.Binary, Folder: t.TempDir(), Address: address}
	s.URL = "http://" + s.Address
	if options.Secrets == "" {
		options.Secrets = "secrets file " + filepath.Join(s.Folder, "secrets.db")
	}
	if options.Sessions == "" {
		options.Sessions = "sessions memory"
	}
	if s.binary == "" {
		s.binary = Binary(t)
	}
	if options.Level == "" {
		options.Level = "DEBUG"
	}
	s.caddyfile = filepath.Join(s.Folder, "Caddyfile")
	s.Write(fmt.Sprintf(`{
	default_bind 127.0.0.1
	admin unix/%s
	persist_config off
	log {
		level %s
	}
	%s
	second_factor {
		%s
		%s
	}
}
%s {
	second_factor {
		%s
	}
	%s
	reverse_proxy %s {
		%s
	}
}
%s
`, s.admin(), options.Level, options.Global, options.Secrets, options.Sessions, s.URL, secondFactor, options.Block, upstream, options.Proxy, options.Sites))
	s.Run()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", tail(s.Log(), 12000))
		}
	})
	return s
}

func (s *Site) admin() string { return filepath.Join(s.Folder, "admin.sock") }

// Admin returns the admin endpoint's answer to a GET.
func (s *Site) Admin(t testing.TB, path string) string {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.admin())
	}}}
	answer, err := client.Get("http://admin" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, answer.StatusCode, tail(string(text), 1000), err)
	}
	return string(text)
}

// Write writes the Caddyfile. The next Run or Reload uses it.
func (s *Site) Write(caddyfile string) {
	s.t.Helper()
	if err := os.WriteFile(s.caddyfile, []byte(caddyfile), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Caddyfile returns the text of the Caddyfile.
func (s *Site) Caddyfile() string {
	s.t.Helper()
	text, err := os.ReadFile(s.caddyfile)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// Run starts the process and waits until it serves.
func (s *Site) Run() {
	s.t.Helper()
	s.process = exec.CommandContext(context.Background(), s.binary, "run", "--config", s.caddyfile)
	s.process.Env = append(os.Environ(), "HOME="+s.Folder, "XDG_DATA_HOME="+s.Folder, "XDG_CONFIG_HOME="+s.Folder)
	s.process.Stdout, s.process.Stderr = &s.log, &s.log
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	s.exited = exited
	running := s.process
	go func() {
		_ = running.Wait()
		close(exited)
	}()
	deadline := time.Now().Add(60 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", s.Address, time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-exited:
			s.t.Fatalf("the gateway did not start:\n%s", tail(s.Log(), 4000))
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the gateway does not serve:\n%s", tail(s.Log(), 4000))
		}
	}
}

// Reload makes the running process load the Caddyfile, like `caddy reload`. The error is the server's.
func (s *Site) Reload() error {
	output, err := exec.CommandContext(context.Background(), s.binary, "reload", "--config", s.caddyfile, "--address", "unix/"+s.admin(), "--force").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// Stop ends the process as an operator does. It fails the test if there was a data race; see races.
func (s *Site) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	for _, report := range races(s.Log()) {
		s.t.Errorf("the gateway has a data race:\n%s", report)
	}
	if strings.Contains(s.Log(), "http: panic serving") {
		s.t.Errorf("the gateway panicked:\n%s", tail(s.Log(), 8000))
	}
}

// Kill ends the process like a power failure.
func (s *Site) Kill() { s.signal(syscall.SIGKILL) }

func (s *Site) signal(signal syscall.Signal) {
	if s.process == nil {
		return
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("signal: %v", err)
	}
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		_ = s.process.Process.Kill()
		<-s.exited
		s.t.Error("the gateway did not stop within 30 seconds")
	}
	s.process = nil
}

// Process returns the number of the running process.
func (s *Site) Process() int { return s.process.Process.Pid }

// Log returns everything that the gateway has written, over all its runs.
func (s *Site) Log() string { return s.log.String() }

// Serve serves an app on loopback until the test ends, and returns its host and port.
func Serve(t testing.TB, app http.Handler) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: app, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		_ = server.Serve(listener)
		close(done)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return listener.Addr().String()
}

// Proxying corrects a proxy of the standard library. Without it, the server closes a request's body when the head of an
// answer is written. A proxy that has not yet read the body to its end then breaks off the app's answer, about once in
// thousands.
func Proxying(proxy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Only HTTP/1 has it, and needs it.
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	})
}

// built is the folder of the command that this process has built; empty if there is none.
var built string

var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "sallyport-e2e-")
	if err != nil {
		return "", err
	}
	built = folder
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	if err := lookAtSources(root); err != nil {
		return "", fmt.Errorf("reading the sources: %w", err)
	}
	binary := filepath.Join(folder, "sallyport")
	command := exec.CommandContext(context.Background(), "go", "build", "-race", "-o", binary, "./cmd/sallyport")
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return binary, nil
})

// Main runs the tests of a package, and removes the command that was built for them: it is a hundred megabytes.
// TestMain calls it.
func Main(m *testing.M) (code int) {
	code = m.Run()
	if built == "" {
		return code
	}
	if err := os.RemoveAll(built); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Binary returns the sallyport command, built once for the tests of a package, with the race detector.
// $SALLYPORT_BINARY names a built one.
func Binary(t testing.TB) string {
	t.Helper()
	if named := os.Getenv("SALLYPORT_BINARY"); named != "" {
		return named
	}
	binary, err := build()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return binary
}

// Buffer is a buffer that a process writes while a test reads. The zero value is empty.
type Buffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

// String returns everything that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func tail(text string, length int) string {
	if len(text) > length {
		return "…" + text[len(text)-length:]
	}
	return text
}
