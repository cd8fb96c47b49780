package filestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/factor"
)

// Get implements factor.Store.
func (s *Store) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	n := s.sealer.name(key)
	s.mutex.Lock()
	value, err := s.get(ctx, n)
	s.mutex.Unlock()
	if err != nil {
		return factor.Record{}, 0, err
	}
	_, document, ok := s.sealer.openRecord(n, value)
	if !ok {
		return factor.Record{}, 0, fmt.Errorf("%w: it cannot be opened", factor.ErrCorrupt)
	}
	record, err := factor.DecodeRecord(document)
	if err != nil {
		return factor.Record{}, 0, err
	}
	return record, versionOf(value), nil
}

// get reads a stored value, copied out of the database's memory. The caller holds the mutex.
func (s *Store) get(ctx context.Context, n name) (value []byte, err error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	err = s.database.guard(func() error {
		return s.database.View(func(tx *bolt.Tx) error {
			found, err := s.find(tx, n)
			value = bytes.Clone(found)
			return err
		})
	})
	if s.database.Lost() {
		s.broken = err
	}
	if err != nil {
		return nil, classify("reading", err)
	}
	return value, nil
}

// find looks a value up, and compares what it finds, or that it finds nothing, with the index.
func (s *Store) find(tx *bolt.Tx, n name) ([]byte, error) {
	records := tx.Bucket(bucketRecords)
	if records == nil {
		return nil, fmt.Errorf("%w: a part is missing", ErrDamaged)
	}
	value := records.Get(n[:])
	switch version, known := s.versions[n]; {
	case value == nil && !known:
		return nil, factor.ErrNotFound
	case value == nil || !known || versionOf(value) != version:
		return nil, fmt.Errorf("%w: a record is not the one that was written", ErrDamaged)
	}
	return value, nil
}

// Put implements factor.Store.
func (s *Store) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	document, err := factor.EncodeRecord(record)
	if err != nil {
		return 0, err
	}
	n := s.sealer.name(key)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	next := s.summary
	next.last++
	value, err := s.sealer.sealRecord(key, next.last, document)
	if err != nil {
		return 0, classify("sealing", err)
	}
	err = s.write(n, next, func(records *bolt.Bucket, present factor.Version, next *summary) error {
		if present != expected {
			return factor.ErrConflict
		}
		if present == 0 {
			next.count++
		}
		return records.Put(n[:], value)
	})
	if d := s.directory.present; d != nil && s.versions[n] == next.last { // also after a commit in doubt
		d.put(n, key.App, record.Listed())
	}
	if err != nil {
		return 0, err
	}
	return next.last, nil
}

// Delete implements factor.Store.
func (s *Store) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	n := s.sealer.name(key)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	next := s.summary
	err := s.write(n, next, func(records *bolt.Bucket, present factor.Version, next *summary) error {
		switch present {
		case 0:
			return factor.ErrNotFound
		case expected:
			next.count--
			return records.Delete(n[:])
		}
		return factor.ErrConflict
	})
	if _, there := s.versions[n]; !there && s.directory.present != nil {
		s.directory.present.remove(n)
	}
	return err
}

// write makes one change and writes the new summary in the same transaction. next is the new summary except for its
// count and sum, which change fills in. The caller holds the mutex.
func (s *Store) write(n name, next summary, change func(records *bolt.Bucket, present factor.Version, next *summary) error) error {
	committing := false
	err := s.database.guard(func() error {
		return s.database.Update(func(tx *bolt.Tx) error {
			present, err := s.find(tx, n)
			if err != nil && !errors.Is(err, factor.ErrNotFound) {
				return err
			}
			before := versionOf(present)
			if err := change(tx.Bucket(bucketRecords), before, &next); err != nil {
				return err
			}
			if before != 0 {
				next = next.with(s.sealer.sum(n, before))
			}
			if next.last != s.summary.last {
				next = next.with(s.sealer.sum(n, next.last))
			}
			if err := s.sealer.putSummary(tx, next); err != nil {
				return err
			}
			committing = true
			return nil
		})
	})
	if err == nil {
		s.adopt(n, next)
		return nil
	}
	switch {
	case errors.Is(err, ErrDamaged):
		s.broken = err
	case committing:
		s.reconcile(n, next)
	}
	return classify("writing", err)
}

// adopt updates the summary and the index in memory to what was written.
func (s *Store) adopt(n name, next summary) {
	if next.last != s.summary.last {
		s.versions[n] = next.last
	} else {
		delete(s.versions, n)
	}
	s.summary = next
}

// reconcile finds out whether a change whose commit failed was written: a full disk fails before the write, a failing
// disk perhaps after it. Both states are valid; any other is damage.
func (s *Store) reconcile(n name, next summary) {
	var found summary
	err := s.database.guard(func() error {
		return s.database.View(func(tx *bolt.Tx) (err error) {
			found, err = s.sealer.getSummary(tx)
			return err
		})
	})
	switch {
	case err != nil:
		s.broken = err
	case found == next:
		s.adopt(n, next)
	case found != s.summary:
		s.broken = ErrDamaged
	}
}

// usable returns an error if the store cannot be used now. The caller holds the mutex.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", factor.ErrUnavailable, err)
	}
	if s.database == nil {
		return fmt.Errorf("%w: it is closed", factor.ErrUnavailable)
	}
	return s.broken
}

// classify leaves the errors of package factor as they are and makes every other one ErrUnavailable.
func classify(doing string, err error) error {
	if errors.Is(err, factor.ErrNotFound) || errors.Is(err, factor.ErrConflict) || errors.Is(err, factor.ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: filestore: %s: %w", factor.ErrUnavailable, doing, err)
}
