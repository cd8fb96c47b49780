package vault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
)

// official runs the `vault` command as a server, with the fault proxy in front of it.
type official struct {
	command, proxy string
	folder         string

	ports  []int // of the API and the cluster
	token  string
	keys   []string
	server *exec.Cmd
	exited chan struct{}
	hold   func() // closes the guard's standard input
	front  *process
}

// guarded runs a command, and kills the process group when standard input ends, which Vault itself does not notice. The
// test process holds the other end, so that ends however the process dies.
const guarded = `exec 3<&0
(read -r _ <&3; kill -s KILL -- -$$) </dev/null >/dev/null 2>&1 &
"$@" 3<&- </dev/null &
wait $!`

// configuration is Vault's configuration, without the storage and the two ports.
const configuration = `%s
listener "tcp" {
  address     = "127.0.0.1:%d"
  tls_disable = true
}
api_addr      = "http://127.0.0.1:%[2]d"
cluster_addr  = "https://127.0.0.1:%[3]d"
disable_mlock = true
log_level     = "warn"
`

// start starts the server, initialises it if it is new, unseals it, and puts the proxy in front.
func (o *official) start(options Options, before ready, log *lockedBuffer) (ready, error) {
	if err := o.serve(options, log); err != nil {
		return ready{}, err
	}
	line, err := o.prepare(options, before, log)
	if err != nil {
		o.kill()
		return line, fmt.Errorf("%w\n%s", err, log)
	}
	return line, nil
}

// serve starts the command.
func (o *official) serve(options Options, log *lockedBuffer) error {
	for len(o.ports) < 2 {
		port, err := freePort()
		if err != nil {
			return err
		}
		o.ports = append(o.ports, port)
	}
	data := filepath.Join(o.folder, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	storage := map[string]string{
		Memory: `storage "inmem" {}`,
		File:   fmt.Sprintf("storage \"file\" {\n  path = %q\n}", data),
		Raft:   fmt.Sprintf("storage \"raft\" {\n  path = %q\n  node_id = \"node-0\"\n}", data),
	}[options.Storage]
	file := filepath.Join(o.folder, "vault.hcl")
	if err := os.WriteFile(file, fmt.Appendf(nil, configuration, storage, o.ports[0], o.ports[1]), 0o600); err != nil {
		return err
	}
	command := exec.Command("/bin/sh", "-c", guarded, "sh", o.command, "server", "-config", file)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "VAULT_") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.WaitDelay = time.Second
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	o.server, o.exited, o.hold = command, make(chan struct{}), func() { _ = input.Close() }
	go func() {
		_ = command.Wait()
		close(o.exited)
	}()
	return nil
}

// prepare brings the server to the same state as a ready devvault.
func (o *official) prepare(options Options, before ready, log *lockedBuffer) (ready, error) {
	address := fmt.Sprintf("http://127.0.0.1:%d", o.ports[0])
	client, err := api.NewClient(&api.Config{Address: address, HttpClient: &http.Client{}, Timeout: 20 * time.Second})
	if err != nil {
		return ready{}, err
	}
	client.SetMaxRetries(0)
	client.ClearNamespace()
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	var status *api.SealStatusResponse
	if err := o.until(ctx, func() (err error) { status, err = client.Sys().SealStatusWithContext(ctx); return err }); err != nil {
		return ready{}, err
	}
	fresh := !status.Initialized
	if fresh {
		result, err := client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
		if err != nil {
			return ready{}, err
		}
		o.token, o.keys = result.RootToken, result.Keys
	}
	client.SetToken(o.token)
	if err := o.until(ctx, func() error { return unseal(ctx, client, o.keys) }); err != nil {
		return ready{}, err
	}
	if fresh {
		if err := mount(ctx, client); err != nil {
			return ready{}, err
		}
	}
	// This fails only while something is not ready: a new KV v2, or a raft node without a leader.
	if err := o.until(ctx, func() error { _, err := client.Logical().ReadWithContext(ctx, "secret/config"); return err }); err != nil {
		return ready{}, err
	}
	process, line, err := launchProxy(o.proxy, address, "", o.folder, options, before, log)
	if err != nil {
		return line, err
	}
	o.front = process
	line.RootToken, line.UnsealKeys = o.token, o.keys
	return line, nil
}

// unseal unseals the node, and returns an error until the node is active.
func unseal(ctx context.Context, client *api.Client, keys []string) error {
	for _, key := range keys {
		if _, err := client.Sys().UnsealWithContext(ctx, key); err != nil {
			return err
		}
	}
	health, err := client.Sys().HealthWithContext(ctx)
	if err == nil && (health.Sealed || health.Standby) {
		err = errors.New("not active yet")
	}
	return err
}

// mount mounts and enables the same as devvault.
func mount(ctx context.Context, client *api.Client) error {
	kv := &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}
	if err := client.Sys().MountWithContext(ctx, "secret", kv); err != nil {
		return err
	}
	if err := client.Sys().MountWithContext(ctx, "transit", &api.MountInput{Type: "transit"}); err != nil {
		return err
	}
	return client.Sys().EnableAuthWithOptionsWithContext(ctx, "approle", &api.EnableAuthOptions{Type: "approle"})
}

// until repeats try until there is no error, the time is over, or the server has ended.
func (o *official) until(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-o.exited:
			return fmt.Errorf("vault has ended: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends the proxy and the server properly.
func (o *official) stop() {
	if o.server != nil {
		// The whole group gets the signal, and Vault is the last to end.
		group := -o.server.Process.Pid
		deadline := time.Now().Add(10 * time.Second)
		for err := syscall.Kill(group, syscall.SIGTERM); err == nil && time.Now().Before(deadline); err = syscall.Kill(group, 0) {
			time.Sleep(20 * time.Millisecond)
		}
	}
	o.kill()
}

// kill kills both.
func (o *official) kill() {
	if o.front != nil {
		o.front.kill()
		o.front = nil
	}
	if o.server != nil {
		_ = syscall.Kill(-o.server.Process.Pid, syscall.SIGKILL)
		<-o.exited
		o.hold()
		o.server = nil
	}
}

// freePort returns a loopback port on which nothing listens now.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
