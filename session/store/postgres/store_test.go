package postgres

import (
	"context"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
)

func newStore(t testing.TB, address string, options Options) *Store {
	t.Helper()
	if options.Timeout == 0 {
		options.Timeout = storetest.Patience
	}
	store, err := New(address, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// body is what several processes share.
func body(t *testing.T, address string) *storetest.Body {
	clock := storetest.NewClock()
	inspector := newStore(t, address, Options{})
	return &storetest.Body{
		Open: func() session.Store { return newStore(t, address, Options{Now: clock.Now, Strangers: 400}) },
		Now:  clock.Now, Strangers: 400,
		Advance: func(d time.Duration) {
			clock.Advance(d)
			_, err := inspector.exec(context.Background(), "UPDATE sallyport_sessions SET expires = expires - make_interval(secs => $1)", d.Seconds())
			if err != nil {
				t.Fatal(err)
			}
		},
		Stored: func() (stored int) {
			if err := inspector.sweep(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := inspector.pool.QueryRow(context.Background(), "SELECT count(*) FROM sallyport_sessions").Scan(&stored); err != nil {
				t.Fatal(err)
			}
			return stored
		},
	}
}

func TestConformance(t *testing.T) {
	server := servers.StartPostgres(t)
	for name, mode := range map[string]string{"prepared": "", "as behind PgBouncer": "&default_query_exec_mode=exec"} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) *storetest.Body {
				return body(t, server.URL(server.Address, server.NewDatabase())+mode)
			})
		})
	}
}
