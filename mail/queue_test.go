package mail_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/mail"
)

// stub is a sender that does as it is told.
type stub func(ctx context.Context, m mail.Message) error

func (s stub) Send(ctx context.Context, m mail.Message) error { return s(ctx, m) }

// TestQueueNeverWaits: a server that accepts and never answers holds nobody up, the queue takes so many messages and no
// more, and each that is lost is told of.
func TestQueueNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := mail.NewQueue(stub(func(ctx context.Context, _ mail.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}), mail.QueueOptions{Room: 10, Workers: 2})
		began := time.Now()
		var lost atomic.Int32
		for range 1000 {
			queue.Post(hello, func(err error) {
				if errors.Is(err, mail.ErrLost) {
					lost.Add(1)
				}
			})
		}
		if took := time.Since(began); took != 0 || lost.Load() != 990 {
			t.Errorf("it took %s, and %d of 1000 are lost", took, lost.Load())
		}
		queue.Close(5 * time.Second)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("closing took %s", took)
		}
		if lost.Load() != 998 { // the two that were being sent have an error of their own
			t.Errorf("%d are lost", lost.Load())
		}
		queue.Post(hello, func(err error) {
			if !errors.Is(err, mail.ErrLost) {
				t.Errorf("a closed queue: %v", err)
			}
		})
		queue.Close(0)
	})
}

// TestQueueTriesAgain: what may pass is tried again, later and later; what is refused for good is not.
func TestQueueTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mutex sync.Mutex
		tries := map[string][]time.Duration{}
		began := time.Now()
		queue := mail.NewQueue(stub(func(_ context.Context, m mail.Message) error {
			mutex.Lock()
			defer mutex.Unlock()
			tries[m.Subject] = append(tries[m.Subject], time.Since(began))
			switch {
			case m.Subject == "gone":
				return &mail.SendError{Kind: mail.ErrRefused, Code: 550}
			case m.Subject == "later" && len(tries[m.Subject]) < 3, m.Subject == "never":
				return &mail.SendError{Kind: mail.ErrUnreachable}
			}
			return nil
		}), mail.QueueOptions{Pauses: []time.Duration{time.Second, 10 * time.Second, time.Minute}})
		outcome := map[string]error{}
		for _, subject := range []string{"gone", "later", "never", "now"} {
			message := hello
			message.Subject = subject
			queue.Post(message, func(err error) {
				mutex.Lock()
				defer mutex.Unlock()
				outcome[subject] = err
			})
		}
		time.Sleep(time.Hour) // the clock of the test
		synctest.Wait()
		for subject, want := range map[string]string{"gone": "[0s]", "later": "[0s 1s 11s]", "never": "[0s 1s 11s 1m11s]", "now": "[0s]"} {
			if got := text(tries[subject]); got != want {
				t.Errorf("%s: tried at %s, want %s", subject, got, want)
			}
		}
		if outcome["now"] != nil || outcome["later"] != nil || !errors.Is(outcome["gone"], mail.ErrRefused) || !errors.Is(outcome["never"], mail.ErrUnreachable) {
			t.Errorf("%v", outcome)
		}
		queue.Close(0)
	})
}

func text(times []time.Duration) string {
	said := "["
	for i, at := range times {
		if i > 0 {
			said += " "
		}
		said += at.String()
	}
	return said + "]"
}

// TestQueueCloses: what waits is sent; what waits for another attempt is lost, and told of; each message once.
func TestQueueCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := mail.NewQueue(stub(func(_ context.Context, m mail.Message) error {
			time.Sleep(time.Millisecond)
			if number, _ := strconv.Atoi(m.Subject); number%2 == 1 {
				return &mail.SendError{Kind: mail.ErrSlow}
			}
			return nil
		}), mail.QueueOptions{Pauses: []time.Duration{time.Hour}})
		var sent, failed atomic.Int32
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				message := hello
				message.Subject = strconv.Itoa(i)
				queue.Post(message, func(err error) {
					if err == nil {
						sent.Add(1)
					} else {
						failed.Add(1)
					}
				})
			})
		}
		group.Wait()
		queue.Close(time.Minute)
		if sent.Load() != 50 || failed.Load() != 50 {
			t.Errorf("%d sent, %d failed", sent.Load(), failed.Load())
		}
	})
}
