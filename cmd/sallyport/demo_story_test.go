package main

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// shared is a text that several goroutines write to.
type shared struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.Write(p)
}

// TestStory: lines of the log become sentences, in their order. Other text is skipped, and control characters in a name
// do not reach the terminal.
func TestStory(t *testing.T) {
	var out shared
	told, err := listenToStory(t.Context(), &out)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", told.address)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`{"msg":"login accepted by the app","user":"alice","state":"pending"}`, `no line`, `{"msg":"code refused","user":"al\u001b[2Jice"}`,
		`{"msg":"session verified","user":"alice","method":"totp"}`, `{"msg":"recovery code used","user":"alice","left":9}`, `{"msg":"something new"}`, `{"msg":"signed out","user":"alice"}`,
	} {
		if _, err := conn.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	told.begin()
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("it answers")
	}
	told.close()
	told.close()
	lines := strings.Split(strings.TrimSpace(out.text.String()), "\n")
	if len(lines) != 5 {
		t.Errorf("%d lines", len(lines))
	}
	for i, want := range []string{"its cookies are withheld", `code refused: it is not "al\x1b[2Jice"` + "'s", "verified: alice, by a code", "9 left", "signed out: alice"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d: want %q in %q", i+1, want, lines)
		}
	}
}
