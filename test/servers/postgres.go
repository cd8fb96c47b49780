package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sallyport.example/sallyport/test/process"
)

// Postgres is a PostgreSQL server.
type Postgres struct {
	*server
	// Address is the server's host and port.
	Address string

	binary    string
	databases int
}

// StartPostgres makes an empty cluster, with one user named sallyport, and runs a server for it. The server keeps its
// data over Kill and Run.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	p := &Postgres{server: newServer(t, "postgres")}
	p.Address = p.address
	p.user = process.Unprivileged(t)
	data := filepath.Join(p.Folder, "data")
	passwordFile := filepath.Join(p.Folder, "password")
	if err := os.WriteFile(passwordFile, []byte(Password), 0o600); err != nil {
		t.Fatal(err)
	}
	process.Give(t, p.Folder, p.user)
	p.binary = postgresProgram(t, "postgres")
	initdb := exec.CommandContext(t.Context(), postgresProgram(t, "initdb"), "--pgdata", data, "--username", "sallyport", "--pwfile", passwordFile,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir = p.Folder
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: p.user}
	if output, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, output)
	}
	t.Cleanup(p.Kill)
	p.Run()
	return p
}

// Kill ends the server like a power failure. It also kills the server's child processes, which are in groups of their
// own and would go on for a moment.
func (p *Postgres) Kill() {
	children := p.children()
	p.server.Kill()
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL) // it may be gone already
	}
	deadline := time.Now().Add(readyTimeout)
	for _, child := range children {
		for syscall.Kill(child, 0) == nil && time.Now().Before(deadline) {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// children returns the processes that the server has started; none if it does not run.
func (p *Postgres) children() (children []int) {
	text, err := os.ReadFile(filepath.Join(p.Folder, "data", "postmaster.pid"))
	if err != nil || p.process == nil || p.process.Ended() {
		return nil
	}
	parent, _, _ := strings.Cut(string(text), "\n")
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // after the name come the state and the parent
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == parent {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// Run starts the server, for the first time or again, on the same port.
func (p *Postgres) Run() {
	p.t.Helper()
	host, port, err := net.SplitHostPort(p.Address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.run([]string{
		p.binary, "-D", filepath.Join(p.Folder, "data"), "-h", host, "-p", port, "-k", "", "-F", // no socket, no fsync
		"-c", "max_connections=100", "-c", "shared_buffers=32MB",
	}, func() error { return p.Do("postgres", "SELECT 1") })
}

// Do runs statements in a database, directly at the server.
func (p *Postgres) Do(database, statements string) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	connection, err := pgx.Connect(ctx, p.URL(p.Address, database))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	_, err = connection.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol)
	return err
}

// Must is like Do, and fails the test on an error.
func (p *Postgres) Must(database, statements string) {
	p.t.Helper()
	if err := p.Do(database, statements); err != nil {
		p.t.Fatal(err)
	}
}

// NewDatabase makes an empty database and returns its name.
func (p *Postgres) NewDatabase() string {
	p.t.Helper()
	p.databases++
	name := fmt.Sprintf("sessions%d", p.databases)
	p.Must("postgres", "CREATE DATABASE "+name)
	return name
}

// URL returns the URL of a database at an address, which may be a Proxy's.
func (p *Postgres) URL(address, database string) string {
	return fmt.Sprintf("postgres://sallyport:%s@%s/%s?sslmode=disable", EscapedPassword, address, database)
}

// postgresProgram finds a program of PostgreSQL, which Debian installs outside the path, in a folder for each version.
func postgresProgram(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s is not installed; scripts/install-test-packages installs it", name)
	}
	return found[len(found)-1]
}
