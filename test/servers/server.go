package servers

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sallyport.example/sallyport/test/process"
)

// readyTimeout is how long a server may take to its first answer; tests run on busy machines.
const readyTimeout = 90 * time.Second

// server is the common part of all kinds.
type server struct {
	// Folder has the server's files.
	Folder string

	t       testing.TB
	name    string
	address string
	user    *syscall.Credential
	process *process.Process
	runs    int
}

func newServer(t testing.TB, name string) *server {
	t.Helper()
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Folder: process.Folder(t, name), t: t, name: name, address: address}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() && s.process != nil {
			t.Logf("what %s wrote:\n%s", name, process.LastLines(s.process.Log(), 40))
		}
	})
	return s
}

// run starts the command and waits until it is ready. If the server ends at once run starts it again for a while,
// because a killed one may not be gone yet.
func (s *server) run(arguments []string, ready func() error) {
	s.t.Helper()
	deadline := time.Now().Add(readyTimeout)
	for {
		s.runs++
		logFile := filepath.Join(s.Folder, fmt.Sprintf("%d.log", s.runs))
		var err error
		s.process, err = process.Start(process.Program{Folder: s.Folder, Arguments: arguments, User: s.user}, logFile)
		if err != nil {
			s.t.Fatal(err)
		}
		for !s.process.Ended() {
			if err = ready(); err == nil && !s.process.Ended() {
				return
			}
			if time.Now().After(deadline) {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not answer: %v\n%s", s.name, err, process.LastLines(s.process.Log(), 40))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// Kill ends the server like a power failure.
func (s *server) Kill() {
	if s.process != nil {
		s.process.Stop()
	}
}
