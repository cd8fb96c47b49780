// Package servers runs the servers that gateways share their sessions on, Redis and PostgreSQL as Debian packages them, and a
// proxy that lets the network to them fail. Each listens on loopback, keeps its files in a temporary folder of the test, and
// ends with the test. A program that is missing fails the test: scripts/install-test-packages installs what is needed.
package servers

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Redis is a server of Redis.
type Redis struct {
	*server
	// Address is host and port.
	Address string

	settings []string
}

// StartRedis runs a server with further settings, such as "--maxmemory", "10mb". It keeps what it has over Kill and Run.
func StartRedis(t testing.TB, settings ...string) *Redis {
	t.Helper()
	r := &Redis{server: newServer(t, "redis-server"), settings: settings}
	r.Address = r.address
	r.Run()
	return r
}

// Run starts the server, for the first time or again, on the same port.
func (r *Redis) Run() {
	r.t.Helper()
	host, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		r.t.Fatal(err)
	}
	arguments := append([]string{
		"redis-server", "--bind", host, "--port", port, "--dir", r.Folder, "--save", "",
	}, r.settings...)
	r.run(arguments, func() error {
		_, err := r.Do("PING")
		return err
	})
}

// Do sends one command, past all that a test puts in front of the server, and returns the first line of the answer.
func (r *Redis) Do(words ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.Address, 10*time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := conn.Write([]byte(command.String())); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	line = strings.TrimSpace(line)
	if err == nil && strings.HasPrefix(line, "-") {
		err = fmt.Errorf("redis: %s: %s", words[0], line)
	}
	return line, err
}

// Must is Do, which must succeed.
func (r *Redis) Must(words ...string) string {
	r.t.Helper()
	line, err := r.Do(words...)
	if err != nil {
		r.t.Fatal(err)
	}
	return line
}
