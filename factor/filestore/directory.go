package filestore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/factor"
)

// directory keeps in memory what lists show of all records, so that a list or a search reads no record. It is made at
// the first list, and follows every change from then on. The store's mutex guards it.
type directory struct {
	// byApp has each app's records, sorted by their users.
	byApp map[string][]factor.Listed
	// entries has the same records by their names in the database. An entry without a user is a record that cannot be
	// read.
	entries map[name]entry
}

type entry struct {
	app, user  string
	unreadable bool
}

// openedAtOnce is how many records are read in one go, while others wait for the store.
const openedAtOnce = 256

// put adds or replaces the entry of a record.
func (d *directory) put(n name, app string, listed factor.Listed) {
	d.remove(n)
	users := d.byApp[app]
	at, _ := slices.BinarySearchFunc(users, listed.User, byUser)
	d.byApp[app] = slices.Insert(users, at, listed)
	d.entries[n] = entry{app: app, user: listed.User}
}

func (d *directory) remove(n name) {
	found, ok := d.entries[n]
	if !ok {
		return
	}
	delete(d.entries, n)
	users := d.byApp[found.app]
	if at, there := slices.BinarySearchFunc(users, found.user, byUser); there && !found.unreadable {
		d.byApp[found.app] = slices.Delete(users, at, at+1)
	}
}

func byUser(listed factor.Listed, user string) int { return cmp.Compare(listed.User, user) }

// directories holds a store's directory, which is made once.
type directories struct {
	making  sync.Mutex
	present *directory // guarded by the store's mutex; nil before the first list
	whole   bool       // all records are in it; guarded by making
}

// List implements factor.Lister, in the order of the names.
func (s *Store) List(ctx context.Context, query factor.Query) (factor.Page, error) {
	if err := s.makeDirectory(ctx); err != nil {
		return factor.Page{}, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.usable(ctx); err != nil {
		return factor.Page{}, err
	}
	return query.Fill(s.directory.present.byApp[query.App]), nil
}

// makeDirectory opens all records, a few at a time, so that users who sign in meanwhile do not wait for long.
func (s *Store) makeDirectory(ctx context.Context) error {
	s.directory.making.Lock()
	defer s.directory.making.Unlock()
	if s.directory.whole {
		return nil
	}
	s.mutex.Lock()
	if s.directory.present == nil {
		s.directory.present = &directory{byApp: make(map[string][]factor.Listed), entries: make(map[name]entry)}
	}
	names := make([]name, 0, len(s.versions))
	for n := range s.versions {
		names = append(names, n)
	}
	s.mutex.Unlock()
	for few := range slices.Chunk(names, openedAtOnce) {
		if err := s.openSome(ctx, few); err != nil {
			return err
		}
	}
	s.directory.whole = true
	return nil
}

// openSome puts those of the records into the directory that are not in it and have not been deleted meanwhile. It
// reads them with the store's mutex and opens them without it.
func (s *Store) openSome(ctx context.Context, names []name) error {
	values, err := s.readSome(ctx, names)
	if err != nil {
		return err
	}
	type opened struct {
		app    string
		listed factor.Listed
		err    error
	}
	found := make(map[name]opened, len(values))
	for n, value := range values {
		owner, document, ok := s.sealer.openRecord(n, value)
		o := opened{app: owner.App}
		if o.listed, o.err = factor.DecodeListed(document); !ok || o.err == nil && o.listed.User != owner.User {
			o.err = factor.ErrCorrupt
		}
		found[n] = o
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for n, o := range found {
		_, listed := s.directory.present.entries[n]
		switch version, stored := s.versions[n]; {
		case listed || !stored || version != versionOf(values[n]): // a later change is in the directory already
		case o.err != nil:
			s.directory.present.entries[n] = entry{unreadable: true}
		default:
			s.directory.present.put(n, o.app, o.listed)
		}
	}
	return nil
}

// readSome reads the stored values of records.
func (s *Store) readSome(ctx context.Context, names []name) (map[name][]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	values := make(map[name][]byte, len(names))
	err := s.database.guard(func() error {
		return s.database.View(func(tx *bolt.Tx) error {
			for _, n := range names {
				found, err := s.find(tx, n)
				switch {
				case errors.Is(err, factor.ErrNotFound):
				case err != nil:
					return err
				default:
					values[n] = bytes.Clone(found)
				}
			}
			return nil
		})
	})
	if s.database.Lost() {
		s.broken = err
	}
	if err != nil {
		return nil, classify("reading", err)
	}
	return values, nil
}

var _ factor.Lister = (*Store)(nil)
