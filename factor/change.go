package factor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
	"unicode/utf8"
)

// maxTries bounds how often a change is judged anew after others were faster.
const maxTries = 200

// maxBackOff is the longest pause after a conflict.
const maxBackOff = 20 * time.Millisecond

// verdict is what a judge has decided about a record.
type verdict struct {
	next    Record // what to write in its place
	remove  bool   // delete it instead
	keep    bool   // leave it as it is
	outcome error  // what to tell the caller, once the write has been made
}

// judge decides about one reading of a record. If it returns an error, that is returned at once and nothing is written.
// It may be called several times, each time with a new reading. exists reports whether the record has a factor; the
// record of a user who has none yet may be Waiting.
type judge func(record Record, exists bool) (verdict, error)

// change is the only way to change a record: read, judge, compare-and-set, and only then return the outcome (promise
// P7). If another request was faster, everything is judged anew, so that no outcome is returned before its consequence
// was written.
func (s *Service) change(ctx context.Context, user string, decide judge) error {
	if err := s.check(user); err != nil {
		return err
	}
	// A client that hangs up must not cancel the count of its attempt. Only the wait for the turn may end early,
	// because nothing has been judged then.
	waiting, stop := context.WithTimeout(ctx, s.config.Timeout)
	defer stop()
	leave, err := s.queue.enter(waiting, user)
	if err != nil {
		return fmt.Errorf("%w: waiting for another attempt of the same user: %w", ErrUnavailable, err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Timeout)
	defer cancel()

	key := Key{App: s.config.App, User: user}
	for try := range maxTries {
		record, version, exists, err := s.get(ctx, key)
		if err != nil {
			return err
		}
		v, err := decide(record, exists)
		if err != nil {
			return err
		}
		if v.keep {
			return v.outcome
		}
		if v.remove {
			err = s.store.Delete(ctx, key, version)
		} else if err = s.usable(v.next); err == nil {
			_, err = s.store.Put(ctx, key, v.next, version)
		}
		switch {
		case err == nil:
			return v.outcome
		case !overtaken(err):
			return classify("writing the record", err)
		}
		if err := pause(ctx, try); err != nil {
			return classify("waiting after a conflict", err)
		}
	}
	return fmt.Errorf("%w: the record kept changing", ErrUnavailable)
}

// read reads the record without changing it.
func (s *Service) read(ctx context.Context, user string) (record Record, exists bool, err error) {
	if err := s.check(user); err != nil {
		return Record{}, false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Timeout)
	defer cancel()
	record, _, exists, err = s.get(ctx, Key{App: s.config.App, User: user})
	return record, exists, err
}

// get reads the record and checks it: a store is not trusted to return a valid record, or this user's. The record
// exists if there is a factor in it.
func (s *Service) get(ctx context.Context, key Key) (record Record, version Version, exists bool, err error) {
	record, version, err = s.store.Get(ctx, key)
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound) && !doubtful(err):
		return Record{}, 0, false, nil
	default:
		return Record{}, 0, false, classify("reading the record", err)
	}
	if version == 0 {
		return Record{}, 0, false, corrupt("it has no version")
	}
	if err := record.Validate(); err != nil {
		return Record{}, 0, false, err
	}
	if err := s.usable(record); err != nil {
		return Record{}, 0, false, err
	}
	if record.User != key.User {
		return Record{}, 0, false, corrupt("it belongs to another user")
	}
	return record, version, record.Waiting == nil, nil
}

// usable lets each kind check its factors, since a store cannot. It skips factors of a kind that this Service does not
// know.
func (s *Service) usable(record Record) error {
	for _, f := range record.Factors {
		if kind, known := s.config.kind(f.Kind); known {
			if err := kind.Check(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// check refuses what must not reach the store.
func (s *Service) check(user string) error {
	if s.invalid != nil {
		return s.invalid
	}
	if user == "" || !utf8.ValidString(user) {
		return fmt.Errorf("%w: no user is named", ErrInvalid)
	}
	return nil
}

// doubtful reports whether it is not certain after an error that there is no record.
func doubtful(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrConflict) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// overtaken reports whether a write certainly was not made because another one was faster.
func overtaken(err error) bool {
	return (errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound)) &&
		!errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrCorrupt)
}

// classify wraps a store's error so that it is ErrCorrupt or ErrUnavailable, whatever the store called it.
func classify(doing string, err error) error {
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("factor: %s: %w", doing, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

// pause waits a little longer after each conflict, for a random time.
func pause(ctx context.Context, try int) error {
	longest := min(time.Duration(try+1)*time.Millisecond, maxBackOff)
	timer := time.NewTimer(rand.N(longest) + 1) //nolint:gosec // how long to wait is no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// queue lets one operation at a time work on a key within this process. It decides nothing: the store's compare-and-set
// does. It only keeps parallel attempts at one account from conflicting again and again. It uses channels and not
// mutexes so that waiting can be cancelled, and so that testing/synctest sees it.
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
