package redis

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
)

func TestP6_Away(t *testing.T) {
	server := servers.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	network := servers.NewProxy(t, server.Address)
	const timeout = 2 * time.Second
	store := newStore(t, server.URL(network.Address), Options{Timeout: timeout})
	storetest.InTrouble(t, store, timeout, servers.Password, servers.Troubles(network, server.Kill, server.Run))
}

// TestP8_LostAnswer: the server makes a change, and its answer is lost. If the driver sends the change again, nothing
// changes, and it gets the answer that was lost.
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
	stranger, alice := session.Label{Stranger: true}, session.Label{Owner: session.Owner{1}}
	first := newEntry(stranger, []byte("one"))
	twice("create", func() error {
		return store.store(ctx, putScript, stored{token: token, goesOn: token, entry: first, life: life, expected: expectNothing})
	})
	second := newEntry(stranger, []byte("two"))
	twice("swap", func() error {
		return store.store(ctx, putScript, stored{token: token, goesOn: token, entry: second, life: life, expected: first[1:entryHead]})
	})
	moved := newEntry(alice, []byte("three"))
	move := func() error {
		return store.store(ctx, moveScript, stored{
			token: token, goesOn: fresh, entry: moved, life: life, expected: second[1:entryHead], owner: alice.Owner,
			keys: []string{prefix + fresh, walksKey}, args: []any{tombstoneMillis},
		})
	}
	twice("move", move)
	if err := storetest.Finds(store, fresh, "three"); err != nil {
		t.Error(err)
	}
	tombstone := session.NewVersion()
	twice("claim", func() error {
		return store.run(ctx, buryScript, []string{prefix + fresh}, tombstone[:], tombstoneMillis)
	})
	// The move is sent once more, very late. It brings no session back.
	if err := move(); err != nil {
		t.Error(err)
	}
	for _, dead := range []string{token, fresh} {
		if err := storetest.Finds(store, dead, ""); err != nil {
			t.Error(err)
		}
	}
}

// TestP6_Full: when the memory is full, no new session is stored, and existing ones can still be read and ended for
// ever.
func TestP6_Full(t *testing.T) {
	server := servers.StartRedis(t)
	store := newStore(t, server.URL(server.Address), Options{})
	token, ended := storetest.MustCommit(t, store, "one"), storetest.MustCommit(t, store, "two")
	server.Must("CONFIG", "SET", "maxmemory", "1mb")
	storetest.WantNoChange(t, store, token, servers.Password)
	if err := storetest.Finds(store, token, "one"); err != nil {
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
	storetest.MustCommit(t, store, "three")
}

// TestEvicts: a server that would evict sessions works, but Ping returns ErrEvicts.
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

// TestP8_Flushed: the server was flushed and has lost its scripts as well as the sessions.
func TestP8_Flushed(t *testing.T) {
	server := servers.StartRedis(t)
	store := newStore(t, server.URL(server.Address), Options{})
	storetest.Emptied(t, store, func() {
		server.Must("FLUSHALL")
		server.Must("SCRIPT", "FLUSH")
	})
}

// TestP6_Demoted: the server that the gateway is connected to becomes a replica, as after a failover of which the
// gateway does not know. No session must be found on it, because one may have been ended on the new master meanwhile.
func TestP6_Demoted(t *testing.T) {
	old, master := servers.StartRedis(t), servers.StartRedis(t)
	store := newStore(t, old.URL(old.Address), Options{})
	token := storetest.MustCommit(t, store, "one")
	// The new master cannot be reached, so the replica keeps its data and copies nothing.
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	master.Kill()
	old.Must("REPLICAOF", host, port)
	storetest.WantRefused(t, store, token, servers.Password)
	if err := store.Ping(t.Context()); err == nil {
		t.Error("a replica was accepted as a master")
	}
	old.Must("REPLICAOF", "NO", "ONE")
	storetest.Within(t, "recovery", func() error { return storetest.Finds(store, token, "one") })
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
	token := storetest.MustCommit(t, store, "one")
	storetest.Within(t, "the replica has it", func() error {
		if answer := replica.Must("EXISTS", prefix+token); answer != ":1" {
			return errors.New(answer)
		}
		return nil
	})
	master.Kill()
	storetest.Within(t, "the other one", func() error { return storetest.Finds(store, token, "one") })
	storetest.MustCommit(t, store, "two")
}

// TestLeastRights: the rights that docs/operations.md names are all that the gateway's user needs.
func TestLeastRights(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rights := regexp.MustCompile("ACL SETUSER sallyport on ><password> (.*)\n").FindStringSubmatch(string(text))
	more := regexp.MustCompile("in a cluster `(.*?)` as well").FindStringSubmatch(string(text))
	if rights == nil || more == nil {
		t.Fatal("docs/operations.md names no rights")
	}
	single := servers.StartRedis(t)
	cluster, clusterAddress := startCluster(t)
	for name, test := range map[string]struct {
		server          *servers.Redis
		address, rights string
	}{
		"single":  {single, single.URL(single.Address), rights[1]},
		"cluster": {cluster, clusterAddress, rights[1] + " " + more[1]},
	} {
		t.Run(name, func(t *testing.T) {
			user := []string{"ACL", "SETUSER", "sallyport", "on", ">" + servers.Password}
			test.server.Must(append(user, strings.Fields(test.rights)...)...)
			useAll(t, newStore(t, strings.Replace(test.address, "://", "://sallyport", 1), Options{Strangers: 3}))
			if answer, err := test.server.Do("ACL", "LOG"); err != nil || answer != "*0" {
				t.Errorf("refused by Redis: %s, %v", answer, err)
			}
		})
	}
}

// useAll calls every method of a store.
func useAll(t *testing.T, store *Store) {
	t.Helper()
	ctx, expiry := t.Context(), time.Now().Add(time.Hour)
	token, moved := storetest.MustCommit(t, store, "one"), storetest.Token()
	_, version, _, err := store.FindVersionCtx(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	for what, call := range map[string]func() error{
		"move": func() error { return store.MoveCtx(ctx, token, version, moved, []byte("two"), expiry) },
		"each": func() error { return store.EachCtx(ctx, func(string, []byte) error { return nil }) },
		"ping": func() error { return store.Ping(ctx) },
		"index": func() error {
			return store.OwnedCtx(ctx, []session.Owner{{1}}, func(string, []byte) error { return nil })
		},
		"without a label": func() error { return store.UnlabelledCtx(ctx, func(string, []byte) error { return nil }) },
		"sign in": func() error {
			label := session.WithLabel(ctx, session.Label{Owner: session.Owner{1}})
			return store.CommitCtx(label, storetest.Token(), []byte("three"), expiry)
		},
		"strangers": func() error {
			label := session.WithLabel(ctx, session.Label{Stranger: true})
			for range 5 {
				if err := store.CommitCtx(label, storetest.Token(), []byte("four"), expiry); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if claimed, err := store.ClaimCtx(ctx, moved); err != nil || !claimed {
		t.Errorf("claim: %v, %v", claimed, err)
	}
}
