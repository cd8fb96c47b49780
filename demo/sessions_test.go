package demo

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ss := newSessions(time.Now)
		stranger, alice := ss.create(""), ss.create("alice")
		time.Sleep(strangerFor + time.Second)
		if _, ok := ss.find(stranger.id); ok {
			t.Error("a stranger's session outlives its hour")
		}
		if ss.elevate(stranger.id, "alice") {
			t.Error("an expired session was signed in")
		}
		if _, ok := ss.rotate(stranger.id); ok {
			t.Error("an expired session was rotated")
		}
		if _, ok := ss.find(alice.id); !ok {
			t.Error("alice's session is gone too early")
		}
		time.Sleep(signedInFor)
		if _, ok := ss.find(alice.id); ok || len(ss.byID) != 0 {
			t.Errorf("%d sessions are left", len(ss.byID))
		}
	})
}

func TestRotatedValues(t *testing.T) {
	ss := newSessions(time.Now)
	first := ss.create("alice").id
	ids := []string{first}
	for range valuesKept {
		fresh, ok := ss.rotate(ids[len(ids)-1])
		if !ok {
			t.Fatal("not rotated")
		}
		ids = append(ids, fresh)
	}
	if _, ok := ss.find(first); ok || len(ss.byID) != valuesKept {
		t.Errorf("%d values are kept", len(ss.byID))
	}
	ss.end(ids[3])
	if len(ss.byID) != 0 {
		t.Errorf("%d values outlive the session", len(ss.byID))
	}
}

func TestSessionsOfAnAccount(t *testing.T) {
	ss := newSessions(time.Now)
	one, two, other := ss.create("alice"), ss.create("alice"), ss.create("carol")
	fresh, _ := ss.rotate(two.id)
	if n := ss.switchAll("alice", "bob"); n != 2 {
		t.Errorf("%d were switched", n)
	}
	for _, id := range []string{one.id, two.id, fresh} {
		if who, _ := ss.find(id); who.login != "bob" {
			t.Errorf("now %q", who.login)
		}
	}
	if n := ss.endAll("bob"); n != 2 || len(ss.byID) != 1 {
		t.Errorf("%d were ended, %d are left", n, len(ss.byID))
	}
	if who, _ := ss.find(other.id); who.login != "carol" {
		t.Error("another account was signed out")
	}
}

// Strangers who only open the login form must not fill the memory.
func TestSessionsAreBounded(t *testing.T) {
	ss := newSessions(time.Now)
	alice := ss.create("alice")
	for range sessionLimit + 10 {
		ss.create("")
	}
	if len(ss.byID) > sessionLimit {
		t.Errorf("%d sessions", len(ss.byID))
	}
	if _, ok := ss.find(alice.id); !ok {
		t.Error("strangers' sessions ended alice's")
	}
}

func TestSessionsInParallel(t *testing.T) {
	ss := newSessions(time.Now)
	alice := ss.create("alice")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				ss.rotate(alice.id)
				ss.find(alice.id)
				ss.switchAll("alice", "bob")
				ss.switchAll("bob", "alice")
				ss.end(ss.create("").id)
			}
		})
	}
	group.Wait()
	if len(ss.byID) > valuesKept {
		t.Errorf("%d values", len(ss.byID))
	}
}
