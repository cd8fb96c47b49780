package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// made returns a closed file with some sessions in it.
func made(t testing.TB, sessions int) (path string, stored map[string]string) {
	t.Helper()
	path = place(t)
	store := newStore(t, path, Options{})
	stored = map[string]string{}
	var group sync.WaitGroup
	for i := range sessions {
		token, value := storetest.Token(), fmt.Sprint(i, " ", strings.Repeat("value ", 100))
		stored[token] = value
		group.Go(func() {
			if err := store.Commit(token, []byte(value), time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path, stored
}

// TestP6_Damage flips single bits all over the file. The process must not crash, and a file that is found to be damaged
// is set aside, after which the gateway works with a new one. Damage inside a value is left to the seal.
func TestP6_Damage(t *testing.T) {
	path, stored := made(t, 12)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content = content[:32*4096] // the rest is free space
	flips, aside, other := 0, 0, 0
	for at, b := range content {
		if inHead := at%4096 < 64; !inHead && at%997 != 0 || inHead && (b == 0 && at%11 != 0 || at > 4*4096 && at%5 != 0) {
			continue
		}
		flips++
		spoilt := bytes.Clone(content)
		spoilt[at] ^= 1 << (at % 8)
		_ = os.Remove(path + damagedSuffix)
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		store := New(path, Options{})
		for token, value := range stored {
			got, found, err := store.Find(token)
			if err != nil {
				t.Errorf("byte %d: %v", at, err)
			}
			if found && string(got) != value {
				other++
			}
		}
		kept, err := os.ReadFile(path + damagedSuffix)
		setAside := err == nil
		if setAside {
			aside++
			if !bytes.Equal(kept, spoilt) {
				t.Error("what was set aside is not the damaged file")
			}
		}
		// If the damage went unnoticed, some tokens may not be found. Nothing worse may happen.
		fresh := storetest.Token()
		if err := store.Commit(fresh, []byte("fresh"), time.Now().Add(time.Hour)); errors.Is(err, ErrDamaged) {
			// The damage was found by the write. The file is set aside, and the next write works.
			mustCommit(t, store, fresh, "fresh")
			setAside = true
		} else if err != nil {
			t.Errorf("byte %d: %v", at, err)
		}
		got, found, err := store.Find(fresh)
		if errors.Is(err, ErrDamaged) {
			// The write has overwritten a page in use. That is found now, and the file with the new value is set aside.
			got, found, err = store.Find(fresh)
			setAside = false
		}
		if err != nil || string(got) != "fresh" && (setAside || found) {
			t.Errorf("byte %d: found %q, %v, %v", at, got, found, err)
		}
		if err := store.Close(); err != nil {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	t.Logf("%d flips, %d files set aside, %d values that a seal would refuse", flips, aside, other)
	if aside == 0 || aside == flips {
		t.Errorf("%d of %d files were set aside: the test is broken", aside, flips)
	}
}

// TestP6_DamagedListOfFreePages: damage in the list of free pages is noticed only when a page is taken from it. That
// write fails, but later writes must work again.
func TestP6_DamagedListOfFreePages(t *testing.T) {
	path, stored := made(t, 12)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header, freelist = 16, 0x10
	spoilt := 0
	for page := 0; page < len(content); page += 4096 {
		if content[page+8] != freelist || content[page+9] != 0 {
			continue
		}
		for id := range min(int(content[page+10]), 200) {
			content[page+header+8*id+2] ^= 4
			spoilt++
		}
	}
	if spoilt == 0 {
		t.Fatal("no page is free: the test is broken")
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	store := newStore(t, path, Options{})
	for token, value := range stored {
		wantStored(t, store, token, value)
	}
	fresh := storetest.Token()
	if err := store.Commit(fresh, []byte("fresh"), time.Now().Add(time.Hour)); !errors.Is(err, ErrDamaged) {
		t.Fatalf("the first write: %v, want ErrDamaged", err)
	}
	mustCommit(t, store, fresh, "fresh")
	wantStored(t, store, fresh, "fresh")
	if _, err := os.Stat(path + damagedSuffix); err != nil {
		t.Error(err)
	}
}

func TestDamageIsReported(t *testing.T) {
	path, stored := made(t, 3)
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	store := newStore(t, path, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for token := range stored {
		wantStored(t, store, token, "")
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=ERROR") || !strings.Contains(text, path+damagedSuffix) {
		t.Errorf("logged %q", text)
	}
}

// TestP6_CutOffWhileOpen: the file is cut off while the store is open. Reading the mapped memory then faults, which
// must neither end the process nor leave a caller waiting. Then the store begins a new file by itself.
func TestP6_CutOffWhileOpen(t *testing.T) {
	for _, size := range []int64{0, 4096, 3 * 4096} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			path, stored := made(t, 30)
			store := newStore(t, path, Options{})
			opened(t, store)
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			for token, value := range stored {
				group.Go(func() {
					got, found, err := store.Find(token)
					if err == nil && found && string(got) != value {
						t.Errorf("found %q", got)
					}
				})
				group.Go(func() {
					err := store.Commit(storetest.Token(), []byte("x"), time.Now().Add(time.Hour))
					if errors.Is(err, session.ErrGone) {
						t.Error(err)
					}
				})
			}
			done := make(chan struct{})
			go func() { group.Wait(); close(done) }()
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Fatal("a caller waits for ever")
			}
			deadline := time.Now().Add(time.Minute)
			token := storetest.Token()
			for {
				err := store.Commit(token, []byte("fresh"), time.Now().Add(time.Hour))
				if err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("it does not recover: %v", err)
				}
			}
			wantStored(t, store, token, "fresh")
		})
	}
}

// TestLostInTheMiddle: after a panic inside bbolt the handle is lost. Calls under way get an error, and the next call
// opens the file again, with everything that was reported as stored.
func TestLostInTheMiddle(t *testing.T) {
	path, stored := made(t, 5)
	store := newStore(t, path, Options{})
	for range 3 {
		db := opened(t, store)
		if err := db.write(t.Context(), func(*change) error { panic("astray") }); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v, want ErrDamaged", err)
		}
		if err := db.write(t.Context(), func(*change) error { return nil }); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v, want ErrDamaged", err)
		}
		if err := db.read(func(*bolt.Bucket) error { return nil }); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v, want ErrDamaged", err)
		}
		for token, value := range stored {
			wantStored(t, store, token, value)
		}
		if opened(t, store) == db {
			t.Error("the lost handle is still in use")
		}
	}
	db := opened(t, store)
	if err := db.read(func(*bolt.Bucket) error { panic("astray") }); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
	for token, value := range stored {
		wantStored(t, store, token, value)
	}
}

// TestForeignEntries: an entry that this version cannot read is no session, and is removed by sweeping.
func TestForeignEntries(t *testing.T) {
	store := newStore(t, place(t), Options{})
	token := storetest.Token()
	mustCommit(t, store, token, "one")
	db := opened(t, store)
	foreign := map[string][]byte{
		"empty": {}, "short": bytes.Repeat([]byte{kindLive}, entryHead-1), "kind 0": make([]byte, 100), "kind 3": bytes.Repeat([]byte{3}, 100),
	}
	if err := db.write(t.Context(), func(c *change) error {
		c.wrote = true
		for name, stored := range foreign {
			if err := c.entries.Put([]byte(name), stored); err != nil {
				return err
			}
			c.added++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name := range foreign {
		wantStored(t, store, name, "")
	}
	if err := db.sweep(); err != nil {
		t.Fatal(err)
	}
	if left := count(t, store); left != 1 || db.count != 1 {
		t.Errorf("%d entries are left, counted %d", left, db.count)
	}
}

// TestWrittenTogether: changes that come while the disk is busy share one transaction, and a refused change does not
// affect the others.
func TestWrittenTogether(t *testing.T) {
	store := newStore(t, place(t), Options{Timeout: 30 * time.Second})
	db := opened(t, store)
	transactions := func() (number uint64) {
		t.Helper()
		if err := db.handle.View(func(tx *bolt.Tx) error { number = uint64(tx.ID()); return nil }); err != nil {
			t.Fatal(err)
		}
		return number
	}
	dead := storetest.Token()
	mustCommit(t, store, dead, "x")
	if err := store.Delete(dead); err != nil {
		t.Fatal(err)
	}
	before := transactions()
	busy, proceed := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_ = db.write(context.Background(), func(*change) error { close(busy); <-proceed; return nil })
	})
	<-busy
	const many = 100
	var arrived sync.WaitGroup
	arrived.Add(many)
	for i := range many {
		group.Go(func() {
			token := storetest.Token()
			want := error(nil)
			if i%10 == 0 {
				token, want = dead, session.ErrGone
			}
			arrived.Done()
			if err := store.Commit(token, []byte("x"), time.Now().Add(time.Hour)); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
	arrived.Wait()
	time.AfterFunc(50*time.Millisecond, func() { close(proceed) })
	group.Wait()
	if used := transactions() - before; used > many/4 {
		t.Errorf("%d changes took %d transactions", many, used)
	}
	// If all changes are refused, nothing is synced.
	before = transactions()
	for range 5 {
		if err := store.Commit(dead, []byte("x"), time.Now().Add(time.Hour)); !errors.Is(err, session.ErrGone) {
			t.Error(err)
		}
	}
	if used := transactions() - before; used != 0 {
		t.Errorf("refusals took %d transactions", used)
	}
}

// TestSlowDisk: a call that waits for the disk too long returns an error after its timeout.
func TestSlowDisk(t *testing.T) {
	store := newStore(t, place(t), Options{Timeout: 50 * time.Millisecond})
	db := opened(t, store)
	token := storetest.Token()
	mustCommit(t, store, token, "one")
	busy, proceed := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_ = db.write(context.Background(), func(*change) error { close(busy); <-proceed; return nil })
	})
	<-busy
	if err := store.Commit(token, []byte("two"), time.Now().Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want an error of the timeout", err)
	}
	wantStored(t, store, token, "one") // reading does not wait for writers
	close(proceed)
	group.Wait()
	mustCommit(t, store, token, "three")
	wantStored(t, store, token, "three")
}
