package filestore

import (
	"context"
	"fmt"

	"sallyport.example/sallyport/factor"
)

// Keys lists every record, for operators and for moving to another store. A record that cannot be opened is
// factor.ErrCorrupt.
func (s *Store) Keys(ctx context.Context) ([]factor.Key, error) {
	s.mutex.Lock()
	names := make([]name, 0, len(s.versions))
	for n := range s.versions {
		names = append(names, n)
	}
	s.mutex.Unlock()
	keys := make([]factor.Key, 0, len(names))
	for _, n := range names {
		s.mutex.Lock()
		value, err := s.get(ctx, n)
		s.mutex.Unlock()
		if err != nil {
			return nil, err
		}
		owner, _, ok := s.sealer.openRecord(n, value)
		if !ok {
			return nil, fmt.Errorf("%w: a record cannot be opened", factor.ErrCorrupt)
		}
		keys = append(keys, owner)
	}
	return keys, nil
}
