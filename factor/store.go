package factor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Version counts the changes of a record; 0 means that there is none. A number that stood for one state of a key's
// record must never stand for another one, even after Delete and a new Put. Otherwise a caller that read before the
// deletion could overwrite what came after it.
type Version uint64

// Store keeps records. Every change is a compare-and-set, so that of any number of parallel attempts, in any number of
// processes, one succeeds.
//
// Implementations are safe for concurrent use, return copies, call Record.Validate after decoding and before encoding
// (EncodeRecord and DecodeRecord do), and return for an ended context an error that is neither ErrNotFound nor
// ErrConflict. Package storetest has the conformance suite.
type Store interface {
	// Get reads the record of key. ErrNotFound only if there certainly is no record; ErrUnavailable if the store cannot
	// be asked; ErrCorrupt if what is stored cannot be used.
	Get(ctx context.Context, key Key) (Record, Version, error)
	// Put writes the record if it is at the expected version, and returns the new version. Expected 0 creates it.
	// ErrConflict if the version differs, which includes that there is a record (expected 0) or none (any other).
	Put(ctx context.Context, key Key, record Record, expected Version) (Version, error)
	// Delete removes the record, with everything that earlier versions contained, if it is at the expected version.
	// ErrConflict if the version differs, ErrNotFound if there is none.
	Delete(ctx context.Context, key Key, expected Version) error
}

// Key names one record: one user of one app.
type Key struct {
	// App is the protected application; users of different apps never share a record.
	App string
	// User is the identity exactly as it was established. It may contain any characters, so a Store must never use it
	// as a path or a pattern.
	User string
}

// Lister is a Store that lists its records for operators. No call walks over a whole store; Package storetest has the
// conformance suite.
type Lister interface {
	// List returns a page of the records of an app, in an order of the store's own. Every record that is there during
	// the whole walk is on exactly one page. ErrUnavailable if the store cannot be asked.
	List(ctx context.Context, query Query) (Page, error)
}

// MaxPage is how many records a page has at most.
const MaxPage = 100

// Query says which records are listed.
type Query struct {
	// App is the app whose users are listed.
	App string
	// Prefix is what their names begin with, byte for byte. Empty: any.
	Prefix string
	// After is Page.Next of the page before; empty for the first one.
	After string
	// Limit is how many records the page may have; MaxPage if it is larger than that or not positive.
	Limit int
	// Keep reports whether a record is listed; nil: all are. It must be quick, and must not use the store.
	Keep func(Listed) bool
}

// Page is some of the records.
type Page struct {
	Users []Listed
	// Next is where the following page begins; empty if there is none. A page that is not full, or even empty, may be
	// followed by others, because a store looks at a bounded number of records for each page.
	Next string
	// Unreadable is how many records were skipped because they cannot be used (ErrCorrupt).
	Unreadable int
}

// Listed is what a list shows of a record. It holds no secret.
type Listed struct {
	// User is the identity.
	User string
	// Factors are the kinds of the factors, one for each, without recovery codes.
	Factors []Method
	// Waiting: there is no factor.
	Waiting bool
	// Throttle counts wrong answers.
	Throttle ThrottleState
}

// Listed returns what a list shows of the record.
func (r Record) Listed() Listed {
	listed := Listed{User: r.User, Waiting: r.Waiting != nil, Throttle: r.Throttle}
	for _, f := range r.Factors {
		if f.Kind.standsAlone() {
			listed.Factors = append(listed.Factors, f.Kind)
		}
	}
	return listed
}

// Bounded returns the query with its limit in bounds.
func (q Query) Bounded() Query {
	if q.Limit <= 0 || q.Limit > MaxPage {
		q.Limit = MaxPage
	}
	return q
}

// Wants reports whether a record is to be listed.
func (q Query) Wants(listed Listed) bool {
	return strings.HasPrefix(listed.User, q.Prefix) && (q.Keep == nil || q.Keep(listed))
}

// Fill puts records, which must be sorted by their users, on a page, beginning after the user that After names. It is
// for stores that have all records in memory.
func (q Query) Fill(sorted []Listed) Page {
	q = q.Bounded()
	by := func(listed Listed, user string) int { return cmp.Compare(listed.User, user) }
	at, _ := slices.BinarySearchFunc(sorted, q.Prefix, by)
	if q.After != "" {
		after, found := slices.BinarySearchFunc(sorted, q.After[1:], by)
		if found {
			after++
		}
		at = max(at, after)
	}
	var page Page
	for _, listed := range sorted[at:] {
		if !strings.HasPrefix(listed.User, q.Prefix) {
			break
		}
		if !q.Wants(listed) {
			continue
		}
		if len(page.Users) == q.Limit {
			page.Next = "=" + page.Users[q.Limit-1].User // the prefix keeps Next from being empty if the name is
			break
		}
		page.Users = append(page.Users, listed)
	}
	return page
}

// MemoryStore is a Store without persistence, for tests. It keeps encoded documents, so that what it returns is never
// shared, and so that it has the same limits as the real stores.
type MemoryStore struct {
	mutex     sync.Mutex
	documents map[Key]memoryDocument
	last      Version // over all keys and never reused, so that a version number stands for one state only
	failure   error
}

type memoryDocument struct {
	content []byte
	version Version
}

// NewMemoryStore makes an empty MemoryStore.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{documents: make(map[Key]memoryDocument)}
}

// Fail makes every operation return err from now on, wrapped in ErrUnavailable; nil ends that. For tests of P6.
func (m *MemoryStore) Fail(err error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.failure = err
}

// Get implements Store.
func (m *MemoryStore) Get(ctx context.Context, key Key) (Record, Version, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.usable(ctx); err != nil {
		return Record{}, 0, err
	}
	document, ok := m.documents[key]
	if !ok {
		return Record{}, 0, ErrNotFound
	}
	record, err := DecodeRecord(document.content)
	if err != nil {
		return Record{}, 0, err
	}
	return record, document.version, nil
}

// Put implements Store.
func (m *MemoryStore) Put(ctx context.Context, key Key, record Record, expected Version) (Version, error) {
	content, err := EncodeRecord(record)
	if err != nil {
		return 0, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.usable(ctx); err != nil {
		return 0, err
	}
	if m.documents[key].version != expected {
		return 0, ErrConflict
	}
	m.last++
	m.documents[key] = memoryDocument{content: content, version: m.last}
	return m.last, nil
}

// Delete implements Store.
func (m *MemoryStore) Delete(ctx context.Context, key Key, expected Version) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	document, ok := m.documents[key]
	if !ok {
		return ErrNotFound
	}
	if document.version != expected {
		return ErrConflict
	}
	delete(m.documents, key)
	return nil
}

// List implements Lister.
func (m *MemoryStore) List(ctx context.Context, query Query) (Page, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.usable(ctx); err != nil {
		return Page{}, err
	}
	var sorted []Listed
	for key, document := range m.documents {
		if record, err := DecodeRecord(document.content); err == nil && key.App == query.App {
			sorted = append(sorted, record.Listed())
		}
	}
	slices.SortFunc(sorted, func(a, b Listed) int { return cmp.Compare(a.User, b.User) })
	return query.Fill(sorted), nil
}

func (m *MemoryStore) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if m.failure != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, m.failure)
	}
	return nil
}
