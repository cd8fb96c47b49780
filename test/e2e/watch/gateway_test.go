// Package watch tests what operators see of a gateway: its audit log, the events that are passed on, and its metrics,
// with the real binary and with the real programs that read them.
package watch

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/checkout"
	"sallyport.example/sallyport/test/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

// block is what the Caddyfile says about the demo app. An authenticator has twenty codes without waiting.
const block = `
		app ledger
		login /login {
			username form username
		}
		identity /api/me json /login
		renews
		logout /logout
		public /static/* /favicon.ico
		remember 30d
		totp {
			skew 10
		}
`

const skew = 10

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// gateway is the real gateway, in front of the demo app.
type gateway struct {
	*site.Site
	app *demo.App
}

// start starts a gateway. more are further lines of its block.
func start(t *testing.T, more string, options site.Options) *gateway {
	t.Helper()
	if options.Level == "" {
		options.Level = "INFO"
	}
	app := demo.New(demo.Options{})
	t.Cleanup(app.Close)
	return &gateway{site.Start(t, site.Serve(t, app), block+more, options), app}
}

// signIn types a password into the app's own form.
func signIn(t *testing.T, c *site.Client, name, password string) site.Answer {
	t.Helper()
	page := c.Get("/login")
	return c.Post("/login", url.Values{"username": {name}, "password": {password}, "csrf": {site.Find(t, csrfField, page.Text)}})
}

// member returns a browser of alice, who is enrolled.
func (g *gateway) member(t *testing.T, address string) (*site.Client, *site.Authenticator, []string) {
	t.Helper()
	c := g.ClientFrom(t, address)
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	phone, codes := c.Enrol(skew)
	return c, phone, codes
}

// wrongCode is most likely wrong: among a million codes, a test that tries few will not hit a right one.
const wrongCode = "000000"

// guess answers the challenge with a wrong code.
func guess(t *testing.T, c *site.Client) site.Answer {
	t.Helper()
	return c.Own("/challenge", "/challenge", url.Values{"code": {wrongCode}})
}

// within waits until something holds.
func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// line is a line of the audit log.
type line map[string]any

func (l line) text(field string) string {
	text, _ := l[field].(string)
	return text
}

// lines returns the lines of a log in JSON.
func lines(t *testing.T, log string) (found []line) {
	t.Helper()
	for text := range strings.Lines(log) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		found = append(found, l)
	}
	return found
}

// read returns a file's text; empty if the file does not exist yet.
func read(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// inCheckout returns the path of one of the repository's files.
func inCheckout(t *testing.T, path string) string {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, path)
}

// example returns the part of a document's example between two texts, including the first.
func example(t *testing.T, path, from, to string) string {
	t.Helper()
	text := read(inCheckout(t, path))
	_, rest, found := strings.Cut(text, from)
	part, _, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("%s has no example from %q to %q", path, from, to)
	}
	return from + part
}

// adapts fails the test unless the binary accepts a Caddyfile.
func adapts(t *testing.T, caddyfile string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), site.Binary(t), "adapt", "--config", path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, output, caddyfile)
	}
}
