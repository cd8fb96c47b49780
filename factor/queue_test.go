package factor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

func TestQueue(t *testing.T) {
	var q queue
	inside := map[string]int{}
	var mutex sync.Mutex
	var group sync.WaitGroup
	for i := range 200 {
		name := fmt.Sprint(i % 3)
		group.Go(func() {
			leave, err := q.enter(t.Context(), name)
			if err != nil {
				t.Error(err)
				return
			}
			mutex.Lock()
			inside[name]++
			if inside[name] != 1 {
				t.Errorf("%d at once", inside[name])
			}
			mutex.Unlock()
			mutex.Lock()
			inside[name]--
			mutex.Unlock()
			leave()
		})
	}
	group.Wait()
	if len(q.lanes) != 0 {
		t.Errorf("%d lanes are left behind", len(q.lanes))
	}
}

func TestQueueGivenUp(t *testing.T) {
	var q queue
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	leave, err := q.enter(gone, "a")
	if err != nil {
		t.Fatalf("a free turn was not taken: %v", err)
	}
	if _, err := q.enter(gone, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	leave()
	if len(q.lanes) != 0 {
		t.Errorf("%d lanes are left behind", len(q.lanes))
	}
}
