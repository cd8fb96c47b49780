package main_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport.example/sallyport/test/devvault/front"
)

// binary is the command, built without the race detector: see package server.
var binary = filepath.Join("bin", "devvault")

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// build builds the command under the lock that package test/vault also takes.
func build() error {
	if err := os.MkdirAll("bin", 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join("bin", "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if output, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

// program is the running command.
type program struct {
	t       *testing.T
	command *exec.Cmd
	input   io.Closer
	output  *bufio.Reader
	ready   front.Ready
	client  *http.Client
}

// launch starts the command. It is killed when the test ends.
func launch(t *testing.T, arguments ...string) *program {
	t.Helper()
	p := &program{t: t, command: exec.Command(binary, arguments...)}
	input, err := p.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p.command.Stderr = &log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	p.input, p.output = input, bufio.NewReader(output)
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
		if t.Failed() {
			t.Logf("%v:\n%s", arguments, &log)
		}
	})
	return p
}

// start launches the command and reads its line.
func start(t *testing.T, arguments ...string) *program {
	t.Helper()
	p := launch(t, arguments...)
	line, err := p.output.ReadString('\n')
	if err != nil {
		t.Fatalf("no line: %v", err)
	}
	if err := json.Unmarshal([]byte(line), &p.ready); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	transport := &http.Transport{ForceAttemptHTTP2: true}
	if p.ready.CACert != "" {
		content, err := os.ReadFile(p.ready.CACert)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(content)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	p.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return p
}

// ask asks Vault or the control address, with the root token.
func (p *program) ask(method, address, body string) (int, string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("X-Vault-Token", p.ready.RootToken)
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(content))
}

// want sends a request and checks the status.
func (p *program) want(status int, method, address, body string) string {
	p.t.Helper()
	got, answer := p.ask(method, address, body)
	if got != status {
		p.t.Errorf("%s %s: %d, not %d: %s", method, address, got, status, answer)
	}
	return answer
}

// wait waits until the command has ended by itself, and returns its exit status.
func (p *program) wait() int {
	p.t.Helper()
	late := time.AfterFunc(30*time.Second, func() {
		p.t.Error("the command does not end")
		_ = p.command.Process.Kill()
	})
	defer late.Stop()
	rest, _ := io.ReadAll(p.output)
	if len(rest) > 0 {
		p.t.Errorf("more on its output: %q", rest)
	}
	err := p.command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.command.ProcessState.ExitCode()
}

// The command ends with the test that started it, and removes its files.
func TestEndsWithItsInput(t *testing.T) {
	t.Parallel()
	p := start(t, "-tls")
	p.want(200, "GET", p.ready.Address+"/v1/sys/health", "")
	_ = p.input.Close()
	if code := p.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if _, err := os.Stat(filepath.Dir(p.ready.CACert)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is left behind: %v", err)
	}
}

func TestStay(t *testing.T) {
	t.Parallel()
	p := launch(t, "-stay")
	_ = p.input.Close()
	line, err := p.output.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "export VAULT_ADDR=http://127.0.0.1:") || !strings.Contains(line, " VAULT_TOKEN=hvs.") {
		t.Errorf("%q, %v", line, err)
	}
	if line, err = p.output.ReadString('\n'); err != nil || !strings.HasPrefix(line, "# control: http://127.0.0.1:") {
		t.Errorf("%q, %v", line, err)
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{
		{"-storage", "disk"},
		{"-storage", "file:"},
		{"-storage", "memory:x"},
		{"-listen", "0.0.0.0:0"},
		{"-control", ":0"},
		{"-standby", "-standby-listen", "192.0.2.1:0"},
		{"more"},
		{"-unknown"},
	} {
		if code := launch(t, arguments...).wait(); code == 0 {
			t.Errorf("%v is taken", arguments)
		}
	}
}

func TestMountsAndMethods(t *testing.T) {
	t.Parallel()
	p := start(t)
	vault := p.ready.Address + "/v1/"
	p.want(200, "PUT", vault+"secret/data/a", `{"options":{"cas":0},"data":{"text":"b"}}`)
	p.want(400, "PUT", vault+"secret/data/a", `{"options":{"cas":0},"data":{"text":"b"}}`)
	p.want(200, "PUT", vault+"transit/keys/seeds", "")
	p.want(204, "PUT", vault+"sys/mounts/totp", `{"type":"totp"}`)
	p.want(204, "PUT", vault+"auth/approle/role/a", `{"token_ttl":"5s"}`)
	for _, method := range []string{"cert", "kubernetes"} {
		p.want(204, "PUT", vault+"sys/auth/"+method, `{"type":"`+method+`"}`)
	}
	p.want(400, "PUT", vault+"sys/auth/github", `{"type":"github"}`)
	p.want(200, "GET", vault+"sys/plugins/catalog", "")
	p.want(204, "PUT", vault+"sys/quotas/rate-limit/all", `{"path":"secret/","rate":0.1,"interval":"1h"}`)
	p.want(404, "GET", vault+"secret/data/nothing", "")
	p.want(429, "GET", vault+"secret/data/nothing", "")
	audit := filepath.Join(t.TempDir(), "audit.log")
	p.want(204, "PUT", vault+"sys/audit/file", `{"type":"file","options":{"file_path":"`+audit+`"}}`)
	p.want(200, "GET", vault+"sys/mounts", "")
	if content, err := os.ReadFile(audit); err != nil || !bytes.Contains(content, []byte("sys/mounts")) {
		t.Errorf("audit: %v %s", err, content)
	}
}

// The next process unseals the folder of a killed one by itself.
func TestKilledAndRestarted(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"file"}, {"raft"}, {"file", "-standby"}, {"raft", "-tls", "-standby"}} {
		t.Run(strings.Join(arguments, ""), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			arguments := append([]string{"-storage", arguments[0] + ":" + folder}, arguments[1:]...)
			first := start(t, arguments...)
			first.want(200, "PUT", first.ready.Address+"/v1/secret/data/a", `{"data":{"text":"kept"}}`)
			if err := first.command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = first.command.Wait()
			info, err := os.Stat(filepath.Join(folder, "devvault.json"))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the keys' file: %v, %v", info, err)
			}

			second := start(t, append(arguments, "-listen", strings.TrimLeft(first.ready.Address, "htps:/"))...)
			if second.ready.Address != first.ready.Address || second.ready.RootToken != first.ready.RootToken {
				t.Errorf("restarted at %s, was at %s", second.ready.Address, first.ready.Address)
			}
			for _, address := range []string{second.ready.Address, second.ready.StandbyAddress} {
				if address == "" {
					continue
				}
				if answer := second.want(200, "GET", address+"/v1/secret/data/a", ""); !strings.Contains(answer, `"text":"kept"`) {
					t.Errorf("%s: %s", address, answer)
				}
			}
		})
	}
}

// With -init=false Vault is not changed: a new one has no keys, and one with an existing folder stays sealed.
func TestLeftAsItIs(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	storage := "file:" + folder
	fresh := start(t, "-storage", storage, "-init=false")
	fresh.want(501, "GET", fresh.ready.Address+"/v1/sys/health", "")
	_ = fresh.input.Close()
	fresh.wait()

	first := start(t, "-storage", storage)
	_ = first.input.Close()
	first.wait()
	second := start(t, "-storage", storage, "-init=false")
	second.want(503, "GET", second.ready.Address+"/v1/sys/health", "")
	second.want(204, "POST", second.ready.Control+"/unseal", "")
	until(t, func() bool {
		code, _ := second.ask("GET", second.ready.Address+"/v1/sys/health", "")
		return code == 200
	})
}

// If one node is sealed the other takes over.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	for _, storage := range []string{"memory", "raft"} {
		t.Run(storage, func(t *testing.T) {
			t.Parallel()
			if storage == "raft" {
				storage += ":" + t.TempDir()
			}
			p := start(t, "-storage", storage, "-standby")
			p.want(204, "PUT", p.ready.StandbyAddress+"/v1/sys/policies/acl/a", `{"policy":"path \"a\" { capabilities = [\"read\"] }"}`)
			if got := p.want(200, "GET", p.ready.Control+"/standby/health", ""); got != `{"status":429}` {
				t.Errorf("standby: %s", got)
			}
			if storage != "memory" {
				// One of two raft nodes has no majority: the active one steps down instead, and the other follows it.
				p.want(204, "PUT", p.ready.Address+"/v1/sys/step-down", "")
			} else {
				p.want(204, "POST", p.ready.Control+"/seal", "")
			}
			until(t, func() bool {
				_, got := p.ask("GET", p.ready.Control+"/standby/health", "")
				return got == `{"status":200}`
			})
			p.want(200, "GET", p.ready.StandbyAddress+"/v1/sys/policies/acl/a", "")
			p.want(204, "POST", p.ready.Control+"/unseal", "")
			until(t, func() bool {
				_, got := p.ask("GET", p.ready.Control+"/health", "")
				return got == `{"status":429}`
			})
		})
	}
}

// until polls for half a minute.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("not in time")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
