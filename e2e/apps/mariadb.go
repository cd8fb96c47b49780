package apps

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/process"
)

// mariaDB is a database server for the apps that need one.
type mariaDB struct {
	*App
	host, port, socket string
}

// startMariaDB runs a server with nothing in it, and gives Alice and Bob an account of their own: Alice may do everything, Bob
// reads one table. Ready within five seconds.
func startMariaDB(t testing.TB) *mariaDB {
	t.Helper()
	db := &mariaDB{App: newUnprivileged(t, "mariadb")}
	db.give(t)
	data := filepath.Join(db.Folder, "data")
	db.socket = filepath.Join(db.Folder, "socket")
	db.run(t, nil, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatalf("mariadb: %v", err)
	}
	db.host, db.port, _ = net.SplitHostPort(address)
	server, err := process.Start(process.Program{Folder: db.Folder, User: db.user(), Arguments: []string{
		"mariadbd", "--no-defaults", "--datadir=" + data,
		"--socket=" + db.socket, "--bind-address=" + db.host, "--port=" + db.port, "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0",
	}},
		filepath.Join(t.TempDir(), "mariadb.log"))
	if err != nil {
		t.Fatalf("mariadb: %v", err)
	}
	db.server = server
	t.Cleanup(server.Stop)
	deadline := time.Now().Add(readyTimeout)
	for db.try(t.Context(), "SELECT 1") != nil {
		if server.Ended() || time.Now().After(deadline) {
			t.Fatalf("mariadb does not answer:\n%s", process.LastLines(db.Log(), 60))
		}
		time.Sleep(50 * time.Millisecond)
	}
	var statements strings.Builder
	for _, account := range []Account{Alice, Bob} {
		fmt.Fprintf(&statements, "CREATE USER '%s'@'%%' IDENTIFIED BY '%s';\n", account.Name, account.Password)
	}
	statements.WriteString("GRANT ALL ON *.* TO 'alice'@'%';\n" +
		"CREATE DATABASE harbour; CREATE TABLE harbour.tides (note TEXT); INSERT INTO harbour.tides VALUES ('The tide comes in at seven.');\n" +
		"CREATE DATABASE quay; CREATE TABLE quay.ships (name TEXT); GRANT ALL ON quay.* TO 'bob'@'%';\n")
	db.execute(t, statements.String())
	return db
}

// try runs statements as the server's administrator.
func (db *mariaDB) try(ctx context.Context, statements string) error {
	command := exec.CommandContext(ctx, "mariadb", "--no-defaults", "--user=root", "--socket="+db.socket)
	command.Stdin = strings.NewReader(statements)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// execute is try; a failure is the test's.
func (db *mariaDB) execute(t testing.TB, statements string) {
	t.Helper()
	if err := db.try(t.Context(), statements); err != nil {
		t.Fatalf("mariadb: %v", err)
	}
}
