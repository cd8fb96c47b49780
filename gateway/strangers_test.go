package gateway

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/file"
	"sallyport.example/sallyport/session/store/postgres"
	"sallyport.example/sallyport/session/store/redis"
	"sallyport.example/sallyport/session/store/seal"
	"sallyport.example/sallyport/session/store/seal/sealtest"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
)

// onEachStore runs a test on each of the four stores, set up as the Caddy module does. Redis has 64 MB and evicts
// nothing.
func onEachStore(t *testing.T, test func(t *testing.T, store session.Store)) {
	t.Helper()
	sealed := func(store session.Store) session.Store {
		return session.NewRecent(seal.New(store, sealtest.NewKeys(), seal.Options{}), nil)
	}
	closing := func(t *testing.T, store interface{ Close() error }) {
		t.Cleanup(func() { _ = store.Close() })
	}
	for name, open := range map[string]func(t *testing.T) session.Store{
		"memory": func(t *testing.T) session.Store {
			memory := session.NewMemory(session.MemoryOptions{})
			closing(t, memory)
			return memory
		},
		"file": func(t *testing.T) session.Store {
			store := file.New(filepath.Join(t.TempDir(), "sessions.db"), file.Options{Timeout: 30 * time.Second})
			closing(t, store)
			return sealed(store)
		},
		"redis": func(t *testing.T) session.Store {
			server := servers.StartRedis(t, "--maxmemory", "64mb", "--maxmemory-policy", "noeviction")
			store, err := redis.New(server.URL(server.Address), redis.Options{Timeout: 30 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			closing(t, store)
			return sealed(store)
		},
		"postgres": func(t *testing.T) session.Store {
			server := servers.StartPostgres(t)
			store, err := postgres.New(server.URL(server.Address, "postgres"), postgres.Options{Timeout: 30 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			closing(t, store)
			return sealed(store)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time it waits for disks and servers
			test(t, open(t))
		})
	}
}

// counted counts what is written to a store, and the walks over it.
type counted struct {
	session.Store
	writes, walks atomic.Int64
}

func (c *counted) CommitCtx(ctx context.Context, token string, stored []byte, expiry time.Time) error {
	c.writes.Add(1)
	return c.Store.CommitCtx(ctx, token, stored, expiry)
}

func (c *counted) SwapCtx(ctx context.Context, token string, expected session.Version, stored []byte, expiry time.Time) error {
	c.writes.Add(1)
	return c.Store.SwapCtx(ctx, token, expected, stored, expiry)
}

func (c *counted) MoveCtx(
	ctx context.Context, token string, expected session.Version, newToken string, stored []byte, expiry time.Time,
) error {
	c.writes.Add(1)
	return c.Store.MoveCtx(ctx, token, expected, newToken, stored, expiry)
}

func (c *counted) DeleteCtx(ctx context.Context, token string) error {
	c.writes.Add(1)
	return c.Store.DeleteCtx(ctx, token)
}

func (c *counted) ClaimCtx(ctx context.Context, token string) (bool, error) {
	c.writes.Add(1)
	return c.Store.ClaimCtx(ctx, token)
}

func (c *counted) EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	c.walks.Add(1)
	return c.Store.EachCtx(ctx, visit)
}

// PurposeKeys returns those of the store.
func (c *counted) PurposeKeys(ctx context.Context, purpose string) ([][]byte, error) {
	if able, ok := c.Store.(session.Keyring); ok {
		return able.PurposeKeys(ctx, purpose)
	}
	return nil, nil
}

// TestStrangersWriteToNoStore: the writes of strangers' page loads are counted at each of the four stores. A user who
// came in this way is led to the page that he asked for, and his settings page makes no walk over the store.
func TestStrangersWriteToNoStore(t *testing.T) {
	onEachStore(t, func(t *testing.T, store session.Store) {
		count := &counted{Store: store}
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Sessions = session.NewShared(count).Manager(session.Config{App: "ledger", Now: c.Now})
		})
		for range 100 {
			answer := s.browser().get("/files?page=2")
			answer.wants(t, http.StatusSeeOther, "/login")
			if value, _ := answer.cookieIn("sallyport-next"); value == "" {
				t.Fatal("the address is not remembered")
			}
		}
		if got := count.writes.Load(); got != 0 {
			t.Errorf("%d writes by 100 page loads", got)
		}
		b := s.browser()
		key := enrolled(t, s)
		b.get("/files?page=3").wants(t, http.StatusSeeOther, "/login")
		b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		if got := count.writes.Load(); got == 0 {
			t.Fatal("signing in writes nothing: the test is broken")
		}
		answer := b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}})
		if answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d", answer.StatusCode)
		}
		walks := count.walks.Load()
		if page := b.get("/second-factor/"); page.StatusCode != http.StatusOK || !strings.Contains(page.body, "Two-Factor") {
			t.Errorf("the settings page: %d", page.StatusCode)
		}
		if got := count.walks.Load(); got != walks {
			t.Errorf("%d walks over the store", got-walks)
		}
	})
}

// enrolled returns alice's key, set up in a session of hers that has ended.
func enrolled(t *testing.T, s *site) string {
	t.Helper()
	b := s.browser()
	if got := b.signIn("alice", demo.AlicePassword); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign in: %d", got.StatusCode)
	}
	return b.enrol()
}

// TestFortyThousandStrangers: a botnet loads the login page, whose cookie makes a session for each, and tries
// passwords, each of which leaves a tombstone. Users sign in all the while, and nobody who is signed in is signed out.
func TestFortyThousandStrangers(t *testing.T) {
	onEachStore(t, func(t *testing.T, store session.Store) {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Sessions = session.NewShared(store).Manager(session.Config{App: "ledger", Now: c.Now})
		})
		key := enrolled(t, s)
		inside := s.browser()
		inside.signIn("bob", demo.BobPassword)
		inside.get("/files").wants(t, http.StatusOK, "")

		// Two kilobytes of cookies each: all together are more than Redis can hold.
		change, ok := custody.ParseSetCookie("app=" + strings.Repeat("x", 2000) + "; HttpOnly; Path=/")
		if !ok {
			t.Fatal("no cookie")
		}
		guest, _, err := custody.Jar{}.Apply([]custody.Change{change}, "127.0.0.1", "/login", s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		manager := s.gateway.site.Config.Sessions
		const many, workers = 40_000, 200
		var failed atomic.Int64
		var group sync.WaitGroup
		for worker := range workers {
			group.Go(func() {
				for i := worker; i < many; i += workers {
					token, err := storetest.Create(t.Context(), manager, session.Data{Host: "127.0.0.1", State: gate.Anonymous, Stranger: session.Stranger{Guest: guest}})
					if err == nil && i%4 == 0 {
						_, _, err = storetest.Renew(t.Context(), manager, token, func(*session.Data) error { return nil })
					}
					if err != nil {
						failed.Add(1)
					}
				}
			})
		}
		// Requests over the wire at the same time.
		for i := range 10 {
			for range 10 {
				s.browser().get("/login")
			}
			if i%5 == 0 {
				b := s.browser()
				b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
			}
		}
		group.Wait()
		if got := failed.Load(); got > many/100 {
			t.Errorf("%d of %d strangers were refused", got, many)
		}
		b := s.browser()
		b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/")
		b.get("/files").wants(t, http.StatusOK, "")
		inside.get("/files").wants(t, http.StatusOK, "")
		if page := b.get("/second-factor/"); page.StatusCode != http.StatusOK {
			t.Errorf("the settings page: %d", page.StatusCode)
		}
		left := 0
		if err := store.EachCtx(t.Context(), func(string, []byte) error { left++; return nil }); err != nil {
			t.Error(err)
		}
		if most := session.MaxStrangers + session.MaxStrangers/20; left > most || left < session.MaxStrangers/2 {
			t.Errorf("%d sessions are left, want %d at most", left, most)
		}
	})
}
