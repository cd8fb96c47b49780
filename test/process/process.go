// Package process runs the servers that the end-to-end tests need. No server outlives its test.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Program is a command line, with its folder, what is added to the environment, and the system user if it does not run
// as the test does.
type Program struct {
	Folder      string
	Arguments   []string
	Environment []string
	User        *syscall.Credential
}

// Process is a running program with all the processes that it starts.
type Process struct {
	command  *exec.Cmd
	lifeline io.Closer
	logFile  string
	done     chan struct{} // closed when the program has ended
	once     sync.Once
}

// guarded runs its arguments as a command, and kills the whole process group when standard input ends. The test process
// holds the other end, so no server outlives it, however it dies: t.Cleanup is not called after a panic or a timeout.
const guarded = `exec 3<&0
(read -r _ <&3; kill -s KILL -- -$$) </dev/null >/dev/null 2>&1 &
"$@" 3<&- </dev/null &
wait $!`

// Start starts the program in a process group of its own. It writes to logFile, which is emptied first: a file and
// not a pipe, since a pipe that a lost grandchild holds open makes `go test` wait for it.
func Start(p Program, logFile string) (*Process, error) {
	logged, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = logged.Close() }()

	command := exec.Command("/bin/sh", append([]string{"-c", guarded, "sh"}, p.Arguments...)...)
	command.Dir = p.Folder
	command.Env = append(os.Environ(), p.Environment...)
	command.Stdout = logged
	command.Stderr = logged
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.User}
	lifeline, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.Arguments[0], err)
	}
	s := &Process{command: command, lifeline: lifeline, logFile: logFile, done: make(chan struct{})}
	go func() {
		_ = command.Wait() // it is killed in the end, so its exit status says nothing
		close(s.done)
	}()
	return s, nil
}

// Stop kills the program and everything it started, and waits until it is gone.
func (p *Process) Stop() {
	p.once.Do(func() {
		// The group has the shell's number. No other group can have it while a member of this one lives, and the guard
		// lives until it is killed.
		err := syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			panic(fmt.Sprintf("killing a test server: %v", err))
		}
		_ = p.lifeline.Close()
	})
	<-p.done
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the program has ended by itself or was stopped.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Log returns what the program has written.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.logFile)
	if err != nil {
		return fmt.Sprintf("(the log cannot be read: %v)", err)
	}
	return string(text)
}

// found are the ports that FreeAddress has returned.
var found sync.Map

// FreeAddress finds a port on loopback below those that the system uses for outgoing connections, so that none of these
// takes it before a server does. It returns no port twice, because the server for an earlier one may not listen yet.
func FreeAddress() (string, error) {
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		if _, taken := found.LoadOrStore(port, true); taken {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		if err == nil {
			return address, listener.Close()
		}
	}
	return "", errors.New("no free port")
}

// LastLines returns the end of a text, at most so many lines.
func LastLines(text string, count int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
