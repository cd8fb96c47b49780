package servers

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// MariaDB is a MariaDB server, for apps that need one.
type MariaDB struct {
	*server
	// Host and Port are the address at which it listens.
	Host, Port string

	socket string
}

// StartMariaDB runs an empty server. Its administrator has no password, and can connect by the socket only.
func StartMariaDB(t testing.TB) *MariaDB {
	t.Helper()
	m := &MariaDB{server: newServer(t, "mariadb")}
	m.user = process.Unprivileged(t)
	process.Give(t, m.Folder, m.user)
	data := filepath.Join(m.Folder, "data")
	m.socket = filepath.Join(m.Folder, "socket")
	install := exec.CommandContext(t.Context(), "mariadb-install-db", "--no-defaults", "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db")
	install.Dir = m.Folder
	install.SysProcAttr = &syscall.SysProcAttr{Credential: m.user}
	if output, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, output)
	}
	var err error
	if m.Host, m.Port, err = net.SplitHostPort(m.address); err != nil {
		t.Fatal(err)
	}
	m.run([]string{
		"mariadbd", "--no-defaults", "--datadir=" + data, "--socket=" + m.socket, "--bind-address=" + m.Host, "--port=" + m.Port,
		"--skip-log-bin", "--innodb-flush-log-at-trx-commit=0",
	}, func() error { return m.Do("SELECT 1") })
	return m
}

// Do runs statements as the administrator.
func (m *MariaDB) Do(statements string) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "mariadb", "--no-defaults", "--user=root", "--socket="+m.socket)
	command.Stdin = strings.NewReader(statements)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// Must is like Do, and fails the test on an error.
func (m *MariaDB) Must(statements string) {
	m.t.Helper()
	if err := m.Do(statements); err != nil {
		m.t.Fatal(err)
	}
}
