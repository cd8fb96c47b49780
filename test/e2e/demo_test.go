package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// sallyport prepares the command, with its own home and its own folder for temporary files.
func sallyport(t testing.TB, folder string, arguments ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(context.Background(), site.Binary(t), arguments...)
	command.Env = append(os.Environ(),
		"HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder, "TMPDIR="+folder, "GORACE=halt_on_error=1")
	return command
}

// validate makes the command check a Caddyfile.
func validate(t testing.TB, file string) {
	t.Helper()
	if output, err := sallyport(t, t.TempDir(), "validate", "--config", file).CombinedOutput(); err != nil {
		t.Errorf("%s is not accepted: %v\n%s", file, err, output)
	}
}

// TestCaddyfile: the Caddyfile that an operator starts from is accepted as it is, and checking it opens nothing.
func TestCaddyfile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if output, err := sallyport(t, folder, "validate", "--config", "../../Caddyfile").CombinedOutput(); err != nil {
		t.Errorf("the Caddyfile is not accepted: %v\n%s", err, output)
	}
	if files, err := filepath.Glob(filepath.Join(folder, "*", "secrets.db")); err != nil || len(files) != 0 {
		t.Errorf("validating made %q (%v)", files, err)
	}
}

// running is `sallyport demo` as a process.
type running struct {
	t       testing.TB
	folder  string
	process *exec.Cmd
	exited  chan error
	output  site.Buffer
}

// startDemo runs the demo and waits for its walk-through.
func startDemo(t testing.TB, port int) *running {
	t.Helper()
	folder := t.TempDir()
	r := &running{t: t, folder: folder, process: sallyport(t, folder, "demo", "--port", fmt.Sprint(port)), exited: make(chan error, 1)}
	r.process.Stdout, r.process.Stderr = &r.output, &r.output
	if err := r.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.exited <- r.process.Wait() }()
	t.Cleanup(func() { _ = r.process.Process.Kill() })
	r.waitFor("press Ctrl-C")
	return r
}

func (r *running) waitFor(words string) {
	r.t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	deadline := time.After(60 * time.Second)
	for !strings.Contains(r.output.String(), words) {
		select {
		case err := <-r.exited:
			r.t.Fatalf("the demo ended (%v) without saying %q:\n%s", err, words, r.output.String())
		case <-deadline:
			r.t.Fatalf("the demo does not say %q:\n%s", words, r.output.String())
		case <-pause.C:
		}
	}
}

var demoAddress = regexp.MustCompile(`Open +(http://(127\.0\.0\.1:[0-9]+))/\n`)

// url returns the address that the demo prints.
func (r *running) url() string {
	r.t.Helper()
	return site.Find(r.t, demoAddress, r.output.String())
}

// interrupt sends Ctrl-C: the demo ends with 0, stops serving and leaves nothing behind.
func (r *running) interrupt() {
	r.t.Helper()
	if err := r.process.Process.Signal(syscall.SIGINT); err != nil {
		r.t.Fatal(err)
	}
	select {
	case err := <-r.exited:
		if err != nil {
			r.t.Errorf("the demo ended with %v:\n%s", err, r.output.String())
		}
	case <-time.After(30 * time.Second):
		r.t.Fatalf("Ctrl-C did not end the demo:\n%s", r.output.String())
	}
	text := r.output.String()
	// The line need not be the last: Caddy's own message about an open connection may come a moment later.
	if !strings.Contains(text, "\nThe demo has ended.\n") {
		r.t.Errorf("the demo does not say that it has ended:\n%s", text)
	}
	for _, bad := range []string{"panic", "DATA RACE", `"level":"error"`} {
		if strings.Contains(text, bad) {
			r.t.Errorf("the demo wrote %q:\n%s", bad, text)
		}
	}
	if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(r.url(), "http://"), time.Second); err == nil {
		_ = conn.Close()
		r.t.Error("somebody serves there still")
	}
	if left, err := filepath.Glob(filepath.Join(r.folder, "sallyport-demo-*")); err != nil || len(left) != 0 {
		r.t.Errorf("left behind: %q (%v)", left, err)
	}
}

// port returns a port that is in use until the test ends, or one that was free a moment ago.
func port(t testing.TB, taken bool) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if taken {
		t.Cleanup(func() { _ = listener.Close() })
	} else if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().(*net.TCPAddr).Port
}

// TestDemo does in a browser what the demo tells people to try.
func TestDemo(t *testing.T) {
	t.Parallel()
	wanted := port(t, false)
	r := startDemo(t, wanted)
	if got, want := r.url(), fmt.Sprintf("http://127.0.0.1:%d", wanted); got != want {
		t.Fatalf("the demo is at %s, want %s", got, want)
	}
	for _, words := range []string{
		"alice with " + demo.AlicePassword, "bob with " + demo.BobPassword, "Set up Two-Factor Authentication", "QR code", "Confirm",
		"recovery codes", "Reset Token", "Disable Two-Factor Authentication", r.url() + "/second-factor/", site.Binary(t) + " code",
	} {
		if !strings.Contains(r.output.String(), words) {
			t.Errorf("the walk-through does not mention %q:\n%s", words, r.output.String())
		}
	}

	w := newWalker(t, r.url())
	w.darkWide = true
	w.ColourScheme(true)
	typeIn := func() {
		w.Fill("[name=username]", "alice")
		w.Fill("[name=password]", demo.AlicePassword)
		w.Follow(browser.Labelled("Sign in"))
	}
	w.Goto(r.url() + "/")
	w.wantsPath("/login")
	typeIn()
	w.wantsPath("/")
	w.Follow(browser.Link("Two-factor authentication"))
	w.wantsPath("/second-factor/")
	first, codes := w.enrol("alice")

	// Without a phone: the key as the page shows it, in groups.
	code, err := sallyport(t, t.TempDir(), append([]string{"code"}, strings.Fields(grouped(first.Key))...)...).Output()
	if err != nil || !regexp.MustCompile(`^[0-9]{6}\n$`).Match(code) {
		t.Errorf("sallyport code: %q, %v", code, err)
	}

	w.Goto(r.url() + "/")
	w.Follow("#sign-out")
	w.Goto(r.url() + "/files")
	w.wantsPath("/login")
	typeIn()
	for _, path := range []string{"/", "/files", "/api/entries", "/export.csv"} {
		w.Goto(r.url() + path)
		w.wantsPath("/second-factor/challenge")
	}
	r.thief()
	w.challenge(first, "/second-factor/trust")
	w.Follow("button[name=trust][value=no]")
	w.wantsPath("/files") // which was asked for first
	w.Goto(r.url() + "/")
	w.Fill("[name=text]", "Harbour dues")
	w.Fill("[name=amount]", "-12.50")
	w.Click(browser.Labelled("Add"))
	w.WaitVisible("//table[@id='entries']//td[normalize-space()='Harbour dues']")
	w.Follow("#sign-out")

	w.Goto(r.url() + "/")
	typeIn()
	w.recover(codes[0], "/")
	second := w.reset("alice", codes[1])
	w.disable(second)
	w.press("Sign out", "/login")
	typeIn()
	w.wantsPath("/")
	w.wantsQuiet()
	for _, words := range []string{
		"cookies withheld from the browser", "login accepted: the app knows alice, who owes no", "second factor set up by alice",
		"the session waits for the second factor", "code refused: it is not alice's", "verified: alice, by a code", "verified: alice, by a recovery code",
		"second factor replaced by alice", "two-factor authentication disabled by alice", "signed out: alice",
	} {
		r.waitFor(words)
	}
	r.interrupt()
}

// thief does what the demo says that a thief does: a script signs in with alice's password and asks for her entries.
// The gateway refuses that, and at the app's own port it works.
func (r *running) thief() {
	r.t.Helper()
	addresses := regexp.MustCompile(`http://(127\.0\.0\.1:[0-9]+)/api/login`).FindAllStringSubmatch(r.output.String(), -1)
	if len(addresses) != 2 || addresses[0][1] == addresses[1][1] {
		r.t.Fatalf("the demo names %q", addresses)
	}
	for i, address := range addresses {
		jar, err := cookiejar.New(nil)
		if err != nil {
			r.t.Fatal(err)
		}
		client := &http.Client{Jar: jar}
		login, err := client.Post("http://"+address[1]+"/api/login", "application/json", //nolint:noctx // a few lines of a script
			strings.NewReader(`{"user": {"name": "alice", "password": "`+demo.AlicePassword+`"}}`))
		if err != nil {
			r.t.Fatal(err)
		}
		_ = login.Body.Close()
		entries, err := client.Get("http://" + address[1] + "/api/entries") //nolint:noctx // likewise
		if err != nil {
			r.t.Fatal(err)
		}
		said, err := io.ReadAll(entries.Body)
		_ = entries.Body.Close()
		if open := strings.Contains(string(said), "Opening balance of alice"); err != nil || open != (i == 1) {
			r.t.Errorf("the thief at %s: %d, then %d %.200s", address[1], login.StatusCode, entries.StatusCode, said)
		}
	}
}

func grouped(key string) string {
	var groups []string
	for ; len(key) > 4; key = key[4:] {
		groups = append(groups, key[:4])
	}
	return strings.Join(append(groups, key), " ")
}

// TestDemoPortTaken: if the wanted port is in use, the demo says which other one it uses.
func TestDemoPortTaken(t *testing.T) {
	t.Parallel()
	taken := port(t, true)
	r := startDemo(t, taken)
	if strings.HasSuffix(r.url(), fmt.Sprintf(":%d", taken)) {
		t.Fatalf("the demo claims to be at the port that is taken: %s", r.url())
	}
	answer, err := http.DefaultTransport.RoundTrip(mustRequest(t, r.url()+"/login"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the login page answers %d", answer.StatusCode)
	}
	r.interrupt()
}

func mustRequest(t testing.TB, address string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}
