package mail

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Bounds of a queue whose options do not say otherwise.
const (
	defaultRoom    = 1000
	defaultWorkers = 2
)

// defaultPauses are how long a message waits after each failure that may pass: an hour and three quarters in all. A
// notice that is older helps nobody, and an outage of that length is an operator's concern.
var defaultPauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

// QueueOptions are the bounds of a queue. Zero fields have defaults.
type QueueOptions struct {
	// Room is how many messages may wait, those that wait for another attempt included.
	Room int
	// Workers is how many are sent at a time.
	Workers int
	// Pauses are how long a message waits after its first failure, its second, and so on. After the last it is given
	// up.
	Pauses []time.Duration
}

// Queue sends messages behind the back of whoever posts them: Post takes no time, whatever the server does. What finds
// no room is lost, and whoever posted it is told so, to count it.
type Queue struct {
	sender Sender
	pauses []time.Duration
	room   chan struct{} // one element for each message that is somewhere in the queue
	ready  chan posted   // as large, so that whoever has room never waits
	// closing ends the workers, and stop what they are sending. mutex keeps a message from coming behind the last one.
	closing chan struct{}
	mutex   sync.RWMutex
	ctx     context.Context
	stop    context.CancelFunc
	workers sync.WaitGroup
}

// posted is a message, how often it was tried, and who wants to know what became of it.
type posted struct {
	message Message
	tries   int
	done    func(error)
}

// NewQueue starts a queue. Close ends it.
func NewQueue(sender Sender, options QueueOptions) *Queue {
	if options.Room == 0 {
		options.Room = defaultRoom
	}
	if options.Workers == 0 {
		options.Workers = defaultWorkers
	}
	if options.Pauses == nil {
		options.Pauses = defaultPauses
	}
	q := &Queue{
		sender: sender, pauses: options.Pauses,
		room: make(chan struct{}, options.Room), ready: make(chan posted, options.Room), closing: make(chan struct{}),
	}
	q.ctx, q.stop = context.WithCancel(context.Background())
	for range options.Workers {
		q.workers.Go(q.work)
	}
	return q
}

// Post has a message sent, soon. It never waits. done is called once, by another goroutine or by this one, when the
// message was sent (nil), was given up, or found no room (ErrLost).
func (q *Queue) Post(message Message, done func(error)) {
	if !q.put(posted{message: message, done: done}) {
		done(ErrLost)
	}
}

func (q *Queue) put(one posted) bool {
	q.mutex.RLock()
	defer q.mutex.RUnlock()
	if q.closed() {
		return false
	}
	select {
	case q.room <- struct{}{}:
		q.ready <- one
		return true
	default:
		return false
	}
}

// Close has what waits sent for so long, without further attempts, and tells of the rest that it is lost. It returns
// when nothing is left.
func (q *Queue) Close(patience time.Duration) {
	q.mutex.Lock()
	if !q.closed() {
		close(q.closing)
	}
	q.mutex.Unlock()
	timer := time.AfterFunc(patience, q.stop)
	q.workers.Wait()
	timer.Stop()
	q.stop()
	for {
		select {
		case one := <-q.ready:
			q.finish(one, ErrLost)
		default:
			return
		}
	}
}

func (q *Queue) work() {
	for {
		select {
		case one := <-q.ready:
			q.try(one)
		case <-q.closing:
			select {
			case one := <-q.ready:
				q.try(one)
			default:
				return
			}
		}
	}
}

// try sends a message, or has it wait for another attempt.
func (q *Queue) try(one posted) {
	if q.ctx.Err() != nil {
		q.finish(one, ErrLost)
		return
	}
	err := q.sender.Send(q.ctx, one.message)
	if err == nil || !Temporary(err) || one.tries >= len(q.pauses) || q.closed() {
		q.finish(one, err)
		return
	}
	pause := q.pauses[one.tries]
	one.tries++
	q.workers.Go(func() { q.later(one, pause, err) })
}

// later puts a message back into the queue after a pause. A queue that is closed meanwhile gives it up.
func (q *Queue) later(one posted, pause time.Duration, err error) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		q.ready <- one // there is room: it kept its own
	case <-q.closing:
		q.finish(one, errors.Join(ErrLost, err))
	}
}

func (q *Queue) closed() bool {
	select {
	case <-q.closing:
		return true
	default:
		return false
	}
}

// finish makes room and tells what became of a message.
func (q *Queue) finish(one posted, err error) {
	<-q.room
	one.done(err)
}
