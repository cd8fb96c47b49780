package underway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestTurns_Patience: some apps take long over a request. Other requests of the same session go on after a while, and
// know that they are not alone.
func TestTurns_Patience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Raising
		ctx := context.Background()
		first := r.Join("a", true, false)
		if waited, alone := first.Wait(ctx); waited || !alone {
			t.Errorf("the first: %v %v", waited, alone)
		}
		began := time.Now()
		page := r.Join("a", false, true)
		if waited, alone := page.Wait(ctx); !waited || alone || time.Since(began) != PagePatience {
			t.Errorf("a page: %v %v after %v", waited, alone, time.Since(began))
		}
		if waited, alone := r.Join("b", true, false).Wait(ctx); waited || !alone {
			t.Errorf("another session: %v %v", waited, alone)
		}
		began = time.Now()
		second := r.Join("a", true, false)
		if waited, alone := second.Wait(ctx); !waited || alone || time.Since(began) != RaisePatience {
			t.Errorf("the second: %v %v after %v", waited, alone, time.Since(began))
		}
		second.Answered() // it never had its turn
		third := r.Join("a", true, false)
		go func() {
			time.Sleep(time.Second)
			page.Leave()
			first.Answered()
			first.Answered()
		}()
		began = time.Now()
		if waited, alone := third.Wait(ctx); !waited || !alone || time.Since(began) != time.Second {
			t.Errorf("the third: %v %v after %v", waited, alone, time.Since(began))
		}
		for _, v := range []*Visit{first, second, third} {
			if !r.Any("a") {
				t.Error("none may raise it")
			}
			v.Leave()
		}
		third.Leave()
		if r.Any("a") || len(r.sessions) != 1 {
			t.Errorf("left behind: %v", r.sessions)
		}
	})
}

// TestTurns_OpenPages: a request that may raise the session waits for the page loads that are at the app, but for a
// moment only.
func TestTurns_OpenPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Raising
		ctx := context.Background()
		page := r.Join("a", false, true)
		page.Wait(ctx)
		began := time.Now()
		first := r.Join("a", true, false)
		if first.Wait(ctx); time.Since(began) != OpenPatience {
			t.Errorf("after %v", time.Since(began))
		}
		first.Leave()
		page.Answered()
		began = time.Now()
		if r.Join("a", true, false).Wait(ctx); time.Since(began) != 0 {
			t.Errorf("an answered page: after %v", time.Since(began))
		}
		left, cancel := context.WithCancel(ctx)
		cancel()
		if waited, alone := r.Join("a", false, true).Wait(left); !waited || alone {
			t.Errorf("a client that left: %v %v", waited, alone)
		}
	})
}

// TestTurns_Polls: a page load that may raise the session, such as one with a query, keeps another page load waiting
// for a moment only, and after that no request at all. As long as it is at the app, it is known that it may raise the
// session.
func TestTurns_Polls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Raising
		ctx := context.Background()
		poll := r.Join("a", true, true)
		poll.Wait(ctx)
		began := time.Now()
		page := r.Join("a", false, true)
		if waited, alone := page.Wait(ctx); !waited || !alone || time.Since(began) != OpenPatience || !r.Any("a") {
			t.Errorf("a page: %v %v after %v", waited, alone, time.Since(began))
		}
		time.Sleep(OpenPatience)
		began = time.Now()
		post := r.Join("a", true, false)
		if waited, alone := post.Wait(ctx); waited || !alone || time.Since(began) != 0 {
			t.Errorf("a POST: %v %v after %v", waited, alone, time.Since(began))
		}
		for _, v := range []*Visit{post, page, poll} {
			v.Leave()
		}
		if r.Any("a") || len(r.sessions) != 0 {
			t.Error("left behind")
		}
	})
}
