package vault

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startDeadline bounds the start. Raft with a standby takes four seconds on an idle machine.
const startDeadline = 2 * time.Minute

// ready is the line that devvault and faultproxy print when they are ready, with further fields.
type ready struct {
	Address        string   `json:"address"`
	Control        string   `json:"control"`
	RootToken      string   `json:"root_token"`
	UnsealKeys     []string `json:"unseal_keys"`
	CACert         string   `json:"ca_cert"`
	StandbyAddress string   `json:"standby_address"`
	Direct         []string `json:"direct"`

	proxied  bool   // it is a fault proxy's line: Vault itself is controlled by its API
	directCA string // PEM file for Direct, if that is https
}

// process is a command that runs until it is stopped or this process ends.
type process struct {
	command *exec.Cmd
	input   io.Closer // devvault ends when it is closed
	log     *lockedBuffer
	exited  chan struct{}
}

// launch starts devvault and waits for its line.
func launch(binary string, arguments []string, log *lockedBuffer) (*process, ready, error) {
	var line ready
	command := exec.Command(binary, arguments...)
	command.Stderr = log
	input, err := command.StdinPipe()
	if err != nil {
		return nil, line, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, line, err
	}
	if err := command.Start(); err != nil {
		return nil, line, err
	}
	p := &process{command: command, input: input, log: log, exited: make(chan struct{})}
	answered := make(chan error, 1)
	go func() {
		text, err := bufio.NewReader(output).ReadString('\n')
		if err == nil {
			err = json.Unmarshal([]byte(text), &line)
		}
		answered <- err
		_, _ = io.Copy(io.Discard, output)
		_ = command.Wait() // its log says more than its exit status
		close(p.exited)
	}()
	select {
	case err = <-answered:
	case <-time.After(startDeadline):
		err = fmt.Errorf("not ready after %v", startDeadline)
	}
	if err != nil {
		p.kill()
		return nil, line, fmt.Errorf("%s %s: %w\n%s", binary, strings.Join(arguments, " "), err, log)
	}
	return p, line, nil
}

// stop ends it properly, and kills it if that takes too long.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
	}
	p.kill()
}

// kill ends it at once and waits until it is gone.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.exited
	_ = p.input.Close()
}

// lockedBuffer is a buffer that a process writes while a test reads.
type lockedBuffer struct {
	mutex sync.Mutex
	text  strings.Builder
}

// Write appends.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

// String returns what was written so far.
func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}
