package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStopKillsGrandchildren: Stop also kills the processes that a program starts, such as the workers of PHP's server.
func TestStopKillsGrandchildren(t *testing.T) {
	t.Parallel()
	grandchild, s := startFamily(t)
	s.Stop()
	s.Stop() // a second call does nothing
	waitUntilGone(t, grandchild)
}

// TestServersDieWithTheTest: if the test process is killed, for example after a timeout, nothing calls Stop. The kernel
// then closes the lifeline, which the test does here.
func TestServersDieWithTheTest(t *testing.T) {
	t.Parallel()
	grandchild, s := startFamily(t)
	if err := s.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	waitUntilGone(t, grandchild)
	waitUntilGone(t, s.command.Process.Pid)
}

// TestServerThatEnds: if a program ends at once, Done is closed.
func TestServerThatEnds(t *testing.T) {
	t.Parallel()
	s, err := Start(Program{Arguments: []string{"sh", "-c", "echo port taken; exit 3"}}, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	<-s.done
	if !s.Ended() || s.Log() != "port taken\n" {
		t.Errorf("ended %v, log %q", s.Ended(), s.Log())
	}
	s.Stop()
}

// startFamily starts a shell that starts a sleeping grandchild, and returns the grandchild's process number.
func startFamily(t *testing.T) (int, *Process) {
	t.Helper()
	if _, err := exec.LookPath("sleep"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	s, err := Start(Program{
		Folder:    folder,
		Arguments: []string{"sh", "-c", "sleep 1000 & echo $! >number.new; mv number.new number; wait"},
	}, filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		text, err := os.ReadFile(filepath.Join(folder, "number"))
		if err == nil {
			number, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			return number, s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the grandchild did not start: %s", s.Log())
	return 0, nil
}

func waitUntilGone(t *testing.T, number int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if !alive(number) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", number)
}

// alive reports whether a process exists and is no zombie.
func alive(number int) bool {
	if syscall.Kill(number, 0) != nil {
		return false
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(number) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(rest, "Z")
}
