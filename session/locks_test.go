package session

import (
	"fmt"
	"sync"
	"testing"
)

func TestLocks(t *testing.T) {
	l := newLocks()
	counters := make([]int, 10)
	var group sync.WaitGroup
	for i := range 400 {
		group.Go(func() {
			defer l.lock(fmt.Sprint(i % 10))()
			counters[i%10]++
		})
	}
	group.Wait()
	for i, counter := range counters {
		if counter != 40 {
			t.Errorf("counter %d stands at %d", i, counter)
		}
	}
	for i := range l.stripes {
		if len(l.stripes[i].names) != 0 {
			t.Error("a lock that nobody uses is still there")
		}
	}
}

// TestLocksAreIndependent: while one session is being changed slowly, every other one can be changed.
func TestLocksAreIndependent(t *testing.T) {
	l := newLocks()
	defer l.lock("slow")()
	for i := range 1000 {
		l.lock(fmt.Sprint(i))()
	}
}
