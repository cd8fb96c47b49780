// Package servers runs the servers on which gateways share their sessions (Redis and PostgreSQL as Debian packages
// them), MariaDB for apps that need it, the mail server Mailpit, and a proxy that simulates failures of the network to
// them. Each listens on loopback, keeps its files in a temporary folder of the test, and ends with the test. A missing
// program fails the test; scripts/install-test-packages installs what is needed.
package servers

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Password is the servers' password. It has characters that must be escaped in a URL.
const Password = "the/password@of:sessions"

// EscapedPassword is Password as it is written in a URL.
const EscapedPassword = "the%2Fpassword%40of%3Asessions"

// Redis is a Redis server.
type Redis struct {
	*server
	// Address is the server's host and port.
	Address string

	settings []string
}

// StartRedis runs a server with further settings, such as "--maxmemory", "10mb". With "--appendonly", "yes" it keeps
// its data over Kill and Run.
func StartRedis(t testing.TB, settings ...string) *Redis {
	t.Helper()
	r := &Redis{server: newServer(t, "redis-server"), settings: settings}
	r.Address = r.address
	r.Run()
	return r
}

// StartSentinel runs a sentinel that watches a master, and decides alone that another one replaces it.
func StartSentinel(t testing.TB, name string, master *Redis) *Redis {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	s := &Redis{server: newServer(t, "redis-sentinel")}
	s.Address = s.address
	own, ownPort, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Folder, "sentinel.conf")
	settings := fmt.Sprintf(`bind %[1]s
port %[2]s
dir %[3]s
sentinel monitor %[4]s %[5]s %[6]s 1
sentinel auth-pass %[4]s %[7]s
sentinel down-after-milliseconds %[4]s 500
sentinel failover-timeout %[4]s 5000
`, own, ownPort, s.Folder, name, host, port, Password)
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run([]string{"redis-server", file, "--sentinel"}, func() error {
		answer, err := s.Do("SENTINEL", "REPLICAS", name)
		if err == nil && answer == "*0" {
			err = errors.New("it does not know the replica")
		}
		return err
	})
	return s
}

// Run starts the server, for the first time or again, on the same port.
func (r *Redis) Run() {
	r.t.Helper()
	host, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		r.t.Fatal(err)
	}
	arguments := append([]string{
		"redis-server", "--bind", host, "--port", port, "--dir", r.Folder, "--save", "", "--requirepass", Password, "--masterauth", Password,
	}, r.settings...)
	r.run(arguments, func() error {
		_, err := r.Do("PING")
		return err
	})
}

// Do sends one command directly to the server, and returns the first line of the answer.
func (r *Redis) Do(words ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.Address, 10*time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	var commands strings.Builder
	for _, command := range [][]string{{"AUTH", Password}, words} {
		fmt.Fprintf(&commands, "*%d\r\n", len(command))
		for _, word := range command {
			fmt.Fprintf(&commands, "$%d\r\n%s\r\n", len(word), word)
		}
	}
	if _, err := conn.Write([]byte(commands.String())); err != nil {
		return "", err
	}
	answers := bufio.NewReader(conn)
	if _, err := answers.ReadString('\n'); err != nil {
		return "", err
	}
	line, err := answers.ReadString('\n')
	line = strings.TrimSpace(line)
	if err == nil && strings.HasPrefix(line, "-") {
		err = fmt.Errorf("redis: %s: %s", words[0], line)
	}
	return line, err
}

// URL returns the URL of the sessions at an address, which may be a Proxy's.
func (r *Redis) URL(address string) string {
	return fmt.Sprintf("redis://:%s@%s/0", EscapedPassword, address)
}

// Must is like Do, and fails the test on an error.
func (r *Redis) Must(words ...string) string {
	r.t.Helper()
	line, err := r.Do(words...)
	if err != nil {
		r.t.Fatal(err)
	}
	return line
}
