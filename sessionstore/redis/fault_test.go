package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/session"
	"sallyport/session/storetest"
)

// faulty bounds calls that must fail. Where one must succeed, the test tries again for as long as patience lasts.
const faulty = 500 * time.Millisecond

// mustCommit stores a session, and returns its token.
func mustCommit(t testing.TB, store session.Store, stored string) string {
	t.Helper()
	token := storetest.Token()
	within(t, "a session is stored", func() error { return store.Commit(token, []byte(stored), time.Now().Add(time.Hour)) })
	return token
}

// within tries again until it succeeds.
func within(t testing.TB, what string, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// finds is an error unless the store finds the session.
func finds(store session.Store, token, want string) error {
	stored, found, err := store.Find(token)
	if err == nil && string(stored) != want {
		err = fmt.Errorf("found %q, %v", stored, found)
	}
	return err
}

// wantRefused demands that every call is an error that says nothing about the session, within a time.
func wantRefused(t *testing.T, store session.Store, token string, reading bool) {
	t.Helper()
	ctx, expiry := context.Background(), time.Now().Add(time.Hour)
	began := time.Now()
	errs := map[string]error{
		"commit": store.Commit(token, []byte("x"), expiry),
		"create": store.SwapCtx(ctx, storetest.Token(), session.Version{}, []byte("x"), expiry),
		"swap":   store.SwapCtx(ctx, token, session.Version{1}, []byte("x"), expiry),
		"move":   store.MoveCtx(ctx, token, session.Version{1}, storetest.Token(), []byte("x"), expiry),
	}
	if reading {
		_, claimErr := store.ClaimCtx(ctx, token)
		stored, found, findErr := store.Find(token)
		if stored != nil || found {
			t.Errorf("found %q beside %v", stored, findErr)
		}
		errs["claim"], errs["delete"], errs["find"] = claimErr, store.Delete(token), findErr
		errs["each"] = store.EachCtx(ctx, func(string, []byte) error { return nil })
	}
	took := time.Since(began)
	for what, err := range errs {
		if err == nil || errors.Is(err, session.ErrGone) || errors.Is(err, session.ErrChanged) {
			t.Errorf("%s: %v, want an error of the server", what, err)
		} else if strings.Contains(err.Error(), servers.Password) {
			t.Errorf("%s: the password is in %v", what, err)
		}
	}
	t.Logf("%d calls were refused in %v", len(errs), took)
}

// TestP6_Away: whatever happens between gateway and server, a call ends in time, and no error is "no session". Afterwards what was
// there is there, without a new start.
func TestP6_Away(t *testing.T) {
	server := servers.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	network := servers.NewProxy(t, server.Address)
	store := newStore(t, server.URL(network.Address), Options{Timeout: faulty})
	token := mustCommit(t, store, "one")
	reconnect := func() { network.Down(); network.Up() }
	for _, trouble := range []struct {
		name       string
		begin, end func()
	}{
		{"down", network.Down, network.Up},
		{"slow", func() { network.Slow(time.Minute) }, reconnect},
		{"deaf", network.Deafen, reconnect},
		{"killed", server.Kill, server.Run},
	} {
		t.Run(trouble.name, func(t *testing.T) {
			trouble.begin()
			began := time.Now()
			if _, found, err := store.Find(token); err == nil || found {
				t.Errorf("found %v, %v", found, err)
			}
			if took := time.Since(began); took > faulty+patience/3 {
				t.Errorf("took %v", took)
			}
			if trouble.name != "slow" && trouble.name != "deaf" { // the calls that follow may arrive later, or have arrived
				wantRefused(t, store, token, true)
			}
			trouble.end()
			within(t, "recovery", func() error { return finds(store, token, "one") })
			mustCommit(t, store, "two")
		})
	}
}

// TestP8_LostAnswer: the server does what it is asked, and its answer is lost. A driver that asks again changes nothing, and is told
// what the first time would have been told.
func TestP8_LostAnswer(t *testing.T) {
	server := servers.StartRedis(t)
	store := newStore(t, server.URL(server.Address), Options{})
	ctx := t.Context()
	life := int64(time.Hour / time.Millisecond)
	token, fresh := storetest.Token(), storetest.Token()
	twice := func(what string, send func() error) {
		t.Helper()
		if err := errors.Join(send(), send()); err != nil {
			t.Errorf("%s, sent twice: %v", what, err)
		}
	}
	first := newEntry([]byte("one"))
	twice("create", func() error { return store.run(ctx, putScript, []string{prefix + token}, first, life, expectNothing) })
	second := newEntry([]byte("two"))
	twice("swap", func() error {
		return store.run(ctx, putScript, []string{prefix + token}, second, life, first[1:entryHead])
	})
	moved := newEntry([]byte("three"))
	move := func() error {
		return store.run(ctx, moveScript, []string{prefix + token, prefix + fresh, walksKey}, moved, life, second[1:entryHead], tombstoneMillis, fresh)
	}
	twice("move", move)
	if err := finds(store, fresh, "three"); err != nil {
		t.Error(err)
	}
	tombstone := session.NewVersion()
	twice("claim", func() error {
		return store.run(ctx, buryScript, []string{prefix + fresh}, tombstone[:], tombstoneMillis)
	})
	// The move once more, very late: it brings nothing back.
	if err := move(); err != nil {
		t.Error(err)
	}
	for _, dead := range []string{token, fresh} {
		if err := finds(store, dead, ""); err != nil {
			t.Error(err)
		}
	}
}

// TestP6_Full: where memory is full nothing new is stored, and what is there can be read, and ended for ever.
func TestP6_Full(t *testing.T) {
	server := servers.StartRedis(t)
	store := newStore(t, server.URL(server.Address), Options{})
	token, ended := mustCommit(t, store, "one"), mustCommit(t, store, "two")
	server.Must("CONFIG", "SET", "maxmemory", "1mb")
	wantRefused(t, store, token, false)
	if err := finds(store, token, "one"); err != nil {
		t.Error(err)
	}
	if claimed, err := store.ClaimCtx(t.Context(), ended); err != nil || !claimed {
		t.Errorf("ending a session: %v, %v", claimed, err)
	}
	if err := store.EachCtx(t.Context(), func(string, []byte) error { return nil }); err != nil {
		t.Error(err)
	}
	server.Must("CONFIG", "SET", "maxmemory", "0")
	if err := store.Commit(ended, []byte("late"), time.Now().Add(time.Hour)); !errors.Is(err, session.ErrGone) {
		t.Errorf("%v, want ErrGone", err)
	}
	mustCommit(t, store, "three")
}

// TestEvicts: a server that would evict sessions works, and says so when it is asked.
func TestEvicts(t *testing.T) {
	server := servers.StartRedis(t)
	store := newStore(t, server.URL(server.Address), Options{})
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for _, policy := range []string{"allkeys-lru", "volatile-ttl"} {
		server.Must("CONFIG", "SET", "maxmemory-policy", policy)
		if err := store.Ping(t.Context()); !errors.Is(err, ErrEvicts) || !strings.Contains(err.Error(), policy) {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

// TestP8_Flushed: everybody is out, and nothing that was under way brings a session back.
func TestP8_Flushed(t *testing.T) {
	server := servers.StartRedis(t)
	store := newStore(t, server.URL(server.Address), Options{})
	token := mustCommit(t, store, "one")
	_, version, _, err := store.FindVersionCtx(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	server.Must("FLUSHALL")
	expiry := time.Now().Add(time.Hour)
	for what, err := range map[string]error{
		"swap": store.SwapCtx(t.Context(), token, version, []byte("late"), expiry),
		"move": store.MoveCtx(t.Context(), token, version, storetest.Token(), []byte("late"), expiry),
	} {
		if !errors.Is(err, session.ErrGone) {
			t.Errorf("%s: %v, want ErrGone", what, err)
		}
	}
	if err := finds(store, token, ""); err != nil {
		t.Error(err)
	}
	server.Must("SCRIPT", "FLUSH")
	mustCommit(t, store, "two")
}

// TestP6_Demoted: the server that the gateway is connected to becomes a replica, as after a failover that nobody told the gateway about. A
// session that was ended on the new master meanwhile must not be found on it, nor any other.
func TestP6_Demoted(t *testing.T) {
	old, master := servers.StartRedis(t), servers.StartRedis(t)
	store := newStore(t, old.URL(old.Address), Options{Timeout: patience})
	token := mustCommit(t, store, "one")
	// Not a replica that has copied anything: the new master is one that it cannot reach.
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	master.Kill()
	old.Must("REPLICAOF", host, port)
	wantRefused(t, store, token, true)
	if err := store.Ping(t.Context()); err == nil {
		t.Error("a replica passes for a master")
	}
	old.Must("REPLICAOF", "NO", "ONE")
	within(t, "recovery", func() error { return finds(store, token, "one") })
}

// TestSentinel: the master dies, the sentinels name another one, and the gateway follows.
func TestSentinel(t *testing.T) {
	master := servers.StartRedis(t)
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	replica := servers.StartRedis(t, "--replicaof", host+" "+port)
	sentinel := servers.StartSentinel(t, "main", master)
	address := fmt.Sprintf("redis+sentinel://%s/0?master_name=main&password=%s", sentinel.Address, servers.EscapedPassword)
	store := newStore(t, address, Options{Timeout: 5 * time.Second})
	token := mustCommit(t, store, "one")
	within(t, "the replica has it", func() error {
		if answer := replica.Must("EXISTS", prefix+token); answer != ":1" {
			return errors.New(answer)
		}
		return nil
	})
	master.Kill()
	within(t, "the other one", func() error { return finds(store, token, "one") })
	mustCommit(t, store, "two")
}
