package apps

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// program is a command line, where it runs, and what is added to the environment.
type program struct {
	folder      string
	arguments   []string
	environment []string
}

// server is a running program with all the processes that it starts.
type server struct {
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

// startServer starts the program in a process group of its own. It writes to logFile, which is emptied first: a file and
// not a pipe, since a pipe that a lost grandchild holds open makes `go test` wait for it.
func startServer(p program, logFile string) (*server, error) {
	logged, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = logged.Close() }()

	command := exec.Command("/bin/sh", append([]string{"-c", guarded, "sh"}, p.arguments...)...)
	command.Dir = p.folder
	command.Env = append(os.Environ(), p.environment...)
	command.Stdout = logged
	command.Stderr = logged
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lifeline, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.arguments[0], err)
	}
	s := &server{command: command, lifeline: lifeline, logFile: logFile, done: make(chan struct{})}
	go func() {
		_ = command.Wait() // it is killed in the end; how it ended tells nothing
		close(s.done)
	}()
	return s, nil
}

// stop kills the program and everything it started, and waits until it is gone.
func (s *server) stop() {
	s.once.Do(func() {
		// The group's number is the shell's. It cannot have been taken by another group while a member of this one lives,
		// and the guard lives until it is killed.
		err := syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL)
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			panic(fmt.Sprintf("killing a test server: %v", err))
		}
		_ = s.lifeline.Close()
	})
	<-s.done
}

// ended reports whether the program has ended by itself or was stopped.
func (s *server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *server) log() string {
	text, err := os.ReadFile(s.logFile)
	if err != nil {
		return fmt.Sprintf("(the log cannot be read: %v)", err)
	}
	return string(text)
}

// freeAddress returns an address on the loopback interface where nobody listens now.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// lastLines returns the end of a text, at most so many lines.
func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
