package factor

import (
	"context"
	"sync"
)

// queue lets one operation at a time work on a key within this process. It decides nothing: the store's
// compare-and-set does. It only spares parallel attempts at one account from trampling on each other. It is built of
// channels rather than mutexes so that waiting can end, and so that testing/synctest sees it.
type queue struct {
	mutex sync.Mutex
	lanes map[string]*lane
}

type lane struct {
	turn    chan struct{} // holds one element while somebody has the turn
	waiting int           // how many hold or want it; at zero the lane is forgotten
}

// enter waits for the turn. The caller must call leave exactly once when err is nil.
func (q *queue) enter(ctx context.Context, name string) (leave func(), err error) {
	q.mutex.Lock()
	if q.lanes == nil {
		q.lanes = make(map[string]*lane)
	}
	l := q.lanes[name]
	if l == nil {
		l = &lane{turn: make(chan struct{}, 1)}
		q.lanes[name] = l
	}
	l.waiting++
	q.mutex.Unlock()

	leave = func() {
		<-l.turn
		q.drop(name, l)
	}
	// A free turn is taken even if the client has gone already: what it sent is judged and counted.
	select {
	case l.turn <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case l.turn <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		q.drop(name, l)
		return nil, context.Cause(ctx)
	}
}

func (q *queue) drop(name string, l *lane) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	l.waiting--
	if l.waiting == 0 {
		delete(q.lanes, name)
	}
}
