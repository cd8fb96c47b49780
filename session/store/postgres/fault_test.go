package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
)

func TestP6_Away(t *testing.T) {
	server := servers.StartPostgres(t)
	network := servers.NewProxy(t, server.Address)
	const timeout = 2 * time.Second
	store := newStore(t, server.URL(network.Address, "postgres"), Options{Timeout: timeout})
	storetest.InTrouble(t, store, timeout, servers.Password, servers.Troubles(network, server.Kill, server.Run))
}

// TestServer runs the tests that can share one server.
func TestServer(t *testing.T) {
	server := servers.StartPostgres(t)
	for name, test := range map[string]func(t *testing.T, server *servers.Postgres, address, database string){
		"P6 read-only": testReadOnly, "P8 emptied": testEmptied, "dropped": testDropped, "first start": testFirstStart,
		"versions": testVersions, "sweep": testSweep, "P9 refused": testRefused,
	} {
		t.Run(name, func(t *testing.T) {
			database := server.NewDatabase()
			test(t, server, server.URL(server.Address, database), database)
		})
	}
}

// testReadOnly: the gateway reaches a standby, which may not know yet that a session was ended.
func testReadOnly(t *testing.T, server *servers.Postgres, address, database string) {
	store := newStore(t, address, Options{})
	token := storetest.MustCommit(t, store, "one")
	server.Must("postgres", "ALTER DATABASE "+database+" SET default_transaction_read_only = on")
	cutConnections(server, database)
	storetest.WantRefused(t, store, token, servers.Password)
	server.Must("postgres", "ALTER DATABASE "+database+" RESET default_transaction_read_only")
	cutConnections(server, database)
	storetest.Within(t, "recovery", func() error { return storetest.Finds(store, token, "one") })
}

// cutConnections ends all connections to a database, as a failover does.
func cutConnections(server *servers.Postgres, database string) {
	server.Must("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+database+"'")
}

func testEmptied(t *testing.T, server *servers.Postgres, address, database string) {
	store := newStore(t, address, Options{})
	storetest.Emptied(t, store, func() { server.Must(database, "TRUNCATE sallyport_sessions") })
}

// testDropped: the table was dropped. The call that notices it fails, and the next one makes the table again.
func testDropped(t *testing.T, server *servers.Postgres, address, database string) {
	store := newStore(t, address, Options{})
	token := storetest.MustCommit(t, store, "one")
	server.Must(database, "DROP TABLE sallyport_sessions")
	storetest.WantNoChange(t, sometimes{store, func() { server.Must(database, "DROP TABLE IF EXISTS sallyport_sessions") }}, token, servers.Password)
	storetest.Within(t, "a table", func() error { return storetest.Finds(store, token, "") })
	storetest.MustCommit(t, store, "two")
}

// sometimes does something before each call that stores.
type sometimes struct {
	*Store
	before func()
}

func (s sometimes) Commit(token string, stored []byte, expiry time.Time) error {
	s.before()
	return s.Store.Commit(token, stored, expiry)
}

func (s sometimes) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	s.ready.Store(true)
	s.before()
	return s.Store.SwapCtx(ctx, token, expected, stored, expiry)
}

func (s sometimes) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, stored []byte, expiry time.Time,
) error {
	s.ready.Store(true)
	s.before()
	return s.Store.MoveCtx(ctx, token, expected, newToken, stored, expiry)
}

// testFirstStart: twenty gateways start at the same moment on an empty database, again and again. A gateway that looked
// before the table was made must notice that it exists now.
func testFirstStart(t *testing.T, server *servers.Postgres, address, database string) {
	for range 10 {
		var group sync.WaitGroup
		for range 20 {
			store := newStore(t, address+"&pool_max_conns=2", Options{})
			group.Go(func() {
				defer func() { _ = store.Close() }()
				if err := store.Commit(storetest.Token(), []byte("x"), time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		server.Must(database, "DROP TABLE sallyport_sessions")
	}
}

// testVersions: a table of a newer gateway, or of another program, is not changed.
func testVersions(t *testing.T, server *servers.Postgres, address, database string) {
	storetest.MustCommit(t, newStore(t, address, Options{}), "one")
	server.Must(database, "COMMENT ON TABLE sallyport_sessions IS 'sallyport sessions, version 99'")
	if err := newStore(t, address, Options{}).Ping(t.Context()); !errors.Is(err, ErrNewer) {
		t.Errorf("%v, want ErrNewer", err)
	}
	server.Must(database, "COMMENT ON TABLE sallyport_sessions IS NULL")
	if err := newStore(t, address, Options{}).Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "not Sallyport's") {
		t.Errorf("%v, want an error that says that the table is not Sallyport's", err)
	}
}

// testSweep: two gateways at once remove more than one batch of expired entries, and live sessions stay.
func testSweep(t *testing.T, server *servers.Postgres, address, database string) {
	first, second := newStore(t, address, Options{}), newStore(t, address, Options{})
	token := storetest.MustCommit(t, first, "one")
	server.Must(database, `INSERT INTO sallyport_sessions
		SELECT decode(md5(i::text), 'hex'), '\x00', '\x00', now() - interval '1 second' FROM generate_series(1, 2500) AS i`)
	var group sync.WaitGroup
	for _, store := range []*Store{first, second} {
		group.Go(func() {
			if err := store.sweep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var left int
	if err := first.pool.QueryRow(t.Context(), "SELECT count(*) FROM sallyport_sessions").Scan(&left); err != nil || left != 1 {
		t.Errorf("%d are left, %v", left, err)
	}
	if err := storetest.Finds(second, token, "one"); err != nil {
		t.Error(err)
	}
}

// testRefused: the error for a wrong password, or for a database that does not exist, shows no password.
func testRefused(t *testing.T, _ *servers.Postgres, address, database string) {
	for what, wrong := range map[string]string{
		"password": strings.Replace(address, servers.EscapedPassword, "hidden", 1),
		"database": strings.Replace(address, "/"+database, "/nowhere", 1),
	} {
		err := newStore(t, wrong, Options{}).Ping(t.Context())
		if err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), servers.Password) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestAddresses: each form of address is understood, and its name shows no password. A bad address is an error that
// shows nothing of it.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://u:hidden@db.internal:5433/sallyport?sslmode=disable": "postgres(db.internal:5433/sallyport)",
		"postgresql://u@db.internal/a":                                   "postgres(db.internal:5432/a)",
		"host=db.internal port=5433 dbname=a password=hidden":            "postgres(db.internal:5433/a)",
		"postgres://u:hidden@one,two:5433/a?target_session_attrs=any":    "postgres(one:5432/a)",
	} {
		if store := newStore(t, address, Options{}); store.String() != want {
			t.Errorf("%s: %s", address, store)
		}
	}
	for _, address := range []string{
		"", "hidden", "postgres://u:hidden/x@a/b", "postgres://u:hidden@a:port/b", "postgres://u:hidden%zz@a/b", "password=hidden port=x",
		"postgres://u:hidden@a/b?sslmode=banana", "postgres://u:hidden@a/b?pool_max_conns=many",
	} {
		_, err := New(address, Options{})
		if !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestNewAsksNobody: New makes no connection, because `caddy validate` makes stores too. The test also fails if Close
// leaves a goroutine behind.
func TestNewAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := New("postgres://u:p@127.0.0.1:1/a", Options{Sweep: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if connections := store.pool.Stat().NewConnsCount(); connections != 0 {
			t.Errorf("%d connections", connections)
		}
		for range 2 {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, found, err := store.Find("x"); err == nil || found {
			t.Errorf("after Close: %v, %v", found, err)
		}
	})
}
