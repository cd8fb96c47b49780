package file

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/session"
)

// mostTogether is how many changes at most are written in one transaction.
const mostTogether = 256

// request is a change on its way to the disk.
type request struct {
	apply func(*change) error
	done  chan error // has room for the answer, so that the writer never waits
}

// write gives a change to the writer and waits until it is on the disk, or refused. If the context ends first, the
// change may still be made later.
func (db *database) write(ctx context.Context, apply func(*change) error) error {
	r := &request{apply: apply, done: make(chan error, 1)}
	select {
	case db.queue <- r:
	case <-db.quit:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("waiting for the disk: %w", ctx.Err())
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the disk: %w", ctx.Err())
	}
}

// writeUntilQuit is the only writer. While it waits for the disk the next changes queue up, and go into one
// transaction.
func (db *database) writeUntilQuit() {
	defer db.running.Done()
	for {
		select {
		case r := <-db.queue:
			db.writeTogether(db.waiting([]*request{r}))
		case <-db.quit:
			// No new requests are accepted; those that are waiting are served.
			if rest := db.waiting(nil); len(rest) > 0 {
				db.writeTogether(rest)
				continue
			}
			return
		}
	}
}

// waiting returns the requests that are waiting now.
func (db *database) waiting(requests []*request) []*request {
	for len(requests) < mostTogether {
		select {
		case r := <-db.queue:
			requests = append(requests, r)
		default:
			return requests
		}
	}
	return requests
}

// errNothing rolls back a transaction in which nothing was written, so that nothing is synced.
var errNothing = errors.New("nothing was written")

// writeTogether makes all changes in one transaction. A refused change does not affect the others; a failure of the
// database fails all.
func (db *database) writeTogether(requests []*request) {
	answers := make([]error, len(requests))
	var made *change // what was written
	err := db.handle.Guard(func() error {
		if db.handle.Lost() {
			return ErrDamaged
		}
		return db.handle.Update(func(tx *bolt.Tx) error {
			entries, err := tx.CreateBucketIfNotExists(entriesBucket)
			if err != nil {
				return err
			}
			c := &change{
				entries: entries, now: db.options.Now().UnixNano(),
				room: db.options.Max - db.count, strangersRoom: db.options.Strangers - db.strangers,
			}
			if c.owners, err = tx.CreateBucketIfNotExists(ownersBucket); err != nil {
				return err
			}
			if c.strangers, err = tx.CreateBucketIfNotExists(strangersBucket); err != nil {
				return err
			}
			for i, r := range requests {
				answers[i] = r.apply(c)
				if answers[i] != nil && !refusal(answers[i]) {
					return answers[i]
				}
			}
			if !c.wrote {
				return errNothing
			}
			made = c
			db.committing.Store(true)
			return nil
		})
	})
	if !db.handle.Lost() {
		db.committing.Store(false)
	}
	if errors.Is(err, errNothing) {
		err = nil
	}
	if err == nil && made != nil {
		db.count += made.added
		db.strangers += made.strangersAdded
		db.unlabelled.Add(int64(made.unlabelled))
	}
	for i, r := range requests {
		if err != nil {
			answers[i] = translated(fmt.Errorf("writing: %w", err))
		}
		r.done <- answers[i]
	}
}

// refusal reports whether an error says something about the session and is not a failure of the database.
func refusal(err error) bool {
	return errors.Is(err, session.ErrGone) || errors.Is(err, session.ErrChanged) || errors.Is(err, session.ErrFull)
}
