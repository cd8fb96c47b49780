package vaultstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/factor"
)

// settled is how old a disabled document must be before anybody except the caller who disabled it deletes its metadata.
// It is longer than any operation lasts, so that a late deletion cannot hit an enrolment that came after it.
const settled = 30 * time.Second

// Settings are the settings of a Store.
type Settings struct {
	// Connection signs in to Vault. The Store does not close it.
	Connection *Connection
	// Mount is the KV v2 mount; default DefaultMount.
	Mount string
	// Path is the folder below the mount; default DefaultPath.
	Path string
	// Transit names a key of Vault's transit engine, `<mount>/<key>`, which seals the secrets of factors in addition.
	// Empty: none.
	Transit string
	// Timeout is how long one call may take; default DefaultTimeout. An operation is usually one call.
	Timeout time.Duration
	// Logger gets what no caller can be told; default: none.
	Logger *slog.Logger
}

// Store keeps records in Vault. It implements factor.Store and is safe for concurrent use.
type Store struct {
	engine  *engine
	path    string
	transit *transit
	memory  *memory
	// listings caches what lists need.
	listings *listings
	logger   *slog.Logger
	settled  time.Duration
	// verified says that the mount is known to be KV v2.
	verified atomic.Bool
}

// New makes a Store. It makes no call; errors name the setting.
func New(settings Settings) (*Store, error) {
	mount, err := cleanPath("mount", settings.Mount, DefaultMount)
	if err != nil {
		return nil, err
	}
	path, err := cleanPath("path", settings.Path, DefaultPath)
	if err != nil {
		return nil, err
	}
	if settings.Timeout < 0 {
		return nil, errors.New("timeout: must be positive")
	}
	if settings.Timeout == 0 {
		settings.Timeout = DefaultTimeout
	}
	if settings.Logger == nil {
		settings.Logger = slog.New(slog.DiscardHandler)
	}
	store := &Store{
		engine: &engine{connection: settings.Connection, mount: mount, timeout: settings.Timeout, turns: make(chan struct{}, maxCalls)},
		path:   path, memory: newMemory(), listings: newListings(), logger: settings.Logger, settled: settled,
	}
	if settings.Transit != "" {
		if store.transit, err = newTransit(store.engine, settings.Transit); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// ready checks, once, that the mount is KV v2.
func (s *Store) ready(ctx context.Context) error {
	if s.verified.Load() {
		return nil
	}
	if err := s.engine.verifyMount(ctx); err != nil {
		return err
	}
	s.verified.Store(true)
	return nil
}

// Get implements factor.Store with one call, and another one to transit if that is used.
func (s *Store) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	found, d, err := s.read(ctx, key)
	if err != nil {
		return factor.Record{}, 0, err
	}
	if d.Disabled {
		s.finish(ctx, key, found, d)
		return factor.Record{}, 0, factor.ErrNotFound
	}
	secrets := make(map[string]knownSecret)
	record, err := d.record(func(sealed map[string]string) (map[string][]byte, error) {
		if s.transit == nil {
			return nil, corrupt("the seed is sealed with Vault's transit engine, but `transit` is not set")
		}
		opened, err := s.transit.openAll(ctx, sealed, func(id string) []byte { return belongsTo(key, d.Schema, id) })
		for id, secret := range opened {
			secrets[id] = knownSecret{sealed: sealed[id], schema: d.Schema, print: s.memory.print(secret)}
		}
		return opened, err
	})
	if err != nil {
		return factor.Record{}, 0, err
	}
	version, err := packVersion(d.Generation, found.number, generationOf(found.custom) == 0)
	if err != nil {
		return factor.Record{}, 0, err
	}
	for id, secret := range sealable(record) {
		if _, sealed := secrets[id]; !sealed {
			secrets[id] = knownSecret{print: s.memory.print(secret)}
		}
	}
	s.memory.set(key, known{generation: d.Generation, secrets: secrets, purge: d.Purge})
	return record, version, nil
}

// read returns a key's document, whose generation matches the metadata.
func (s *Store) read(ctx context.Context, key factor.Key) (stored, document, error) {
	if err := s.ready(ctx); err != nil {
		return stored{}, document{}, err
	}
	found, err := s.engine.read(ctx, s.place(key))
	if err != nil {
		if errors.Is(err, factor.ErrNotFound) {
			s.memory.set(key, known{})
		}
		return stored{}, document{}, err
	}
	d, err := decodeDocument(key, found.content)
	if err != nil {
		return stored{}, document{}, err
	}
	switch generationOf(found.custom) {
	case d.Generation:
	case 0:
		// Only the first version may lack metadata: they are written right after it, and before any other version.
		if found.number != 1 {
			return stored{}, document{}, corrupt("its custom metadata have no generation")
		}
	default:
		return stored{}, document{}, corrupt("two enrolments were mixed: the generation in its custom metadata is another one's")
	}
	return found, d, nil
}

// Put implements factor.Store with one call. A new record takes two, and a record that replaces a secret also destroys
// older versions.
func (s *Store) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	if _, err := newDocument(key, record, 1, nil); err != nil {
		return 0, err
	}
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	generation, number, bare := unpackVersion(expected)
	switch {
	case expected == 0:
		generation = newGeneration()
	case generation == 0 || number == 0:
		return 0, factor.ErrConflict // not a version of this store
	}
	seen, remembered := s.memory.get(key)
	var err error
	now := known{generation: generation}
	if now.secrets, err = s.seal(ctx, key, record, seen); err != nil {
		return 0, err
	}
	d, err := newDocument(key, record, generation, now.sealed())
	if err != nil {
		return 0, err
	}
	if expected == 0 {
		return s.create(ctx, key, d, now)
	}
	if bare || remembered && seen.generation != generation {
		if err := s.stillCurrent(ctx, key, expected); err != nil {
			return 0, err
		}
	}
	if bare {
		if err := s.engine.describe(ctx, s.place(key), custom(key, generation)); err != nil {
			return 0, err
		}
	}
	d.Purge = seen.purge || !now.sameSecrets(seen)
	written, err := s.write(ctx, key, &d, number)
	if err != nil {
		return 0, err
	}
	if d.Purge {
		now.purge = !s.purge(ctx, key, written.number)
	}
	s.memory.set(key, now)
	return packVersion(generation, written.number, false)
}

// create writes the first version, then its metadata.
func (s *Store) create(ctx context.Context, key factor.Key, d document, now known) (factor.Version, error) {
	written, err := s.write(ctx, key, &d, 0)
	if errors.Is(err, factor.ErrConflict) {
		if err = s.clear(ctx, key); err == nil {
			written, err = s.write(ctx, key, &d, 0)
		}
	}
	if err != nil {
		return 0, err
	}
	s.memory.set(key, now)
	err = s.engine.describe(ctx, s.place(key), custom(key, d.Generation))
	if err != nil {
		// The record is stored; the next change to it has to write the metadata first.
		s.logger.WarnContext(ctx, "the metadata of a new record could not be written yet", "app", key.App, "error", err)
	}
	return packVersion(d.Generation, written.number, err != nil)
}

// clear makes room for a new record if the last one was disabled but its metadata are left. Anything else at the place
// is factor.ErrConflict.
func (s *Store) clear(ctx context.Context, key factor.Key) error {
	found, d, err := s.read(ctx, key)
	switch {
	case errors.Is(err, factor.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !d.Disabled:
		return factor.ErrConflict
	case s.finish(ctx, key, found, d):
		return nil
	}
	return &CallError{
		doing: "creating a record", kind: ErrServer, detail: "the last one is being deleted; try again in half a minute", cause: ErrServer,
	}
}

// stillCurrent reads again before a write that check-and-set alone would not protect: if this process has seen another
// enrolment since the version was read, or if there are no metadata yet that would reveal a mix-up.
func (s *Store) stillCurrent(ctx context.Context, key factor.Key, expected factor.Version) error {
	found, d, err := s.read(ctx, key)
	if errors.Is(err, factor.ErrNotFound) {
		return factor.ErrConflict
	}
	if err != nil {
		return err
	}
	generation, number, _ := unpackVersion(expected)
	if d.Disabled || d.Generation != generation || found.number != number {
		return factor.ErrConflict
	}
	return nil
}

// Delete implements factor.Store. First it replaces the current version, by check-and-set, with a version without a
// record, so that only one of several callers wins and the seed is gone. The winner then deletes the metadata.
func (s *Store) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	generation, number, bare := unpackVersion(expected)
	if generation == 0 || number == 0 {
		return s.absent(ctx, key) // not a version of this store
	}
	if seen, remembered := s.memory.get(key); bare || remembered && seen.generation != generation {
		if err := s.stillCurrent(ctx, key, expected); errors.Is(err, factor.ErrConflict) {
			return s.absent(ctx, key)
		} else if err != nil {
			return err
		}
	}
	d := document{Schema: documentSchema1, App: key.App, User: key.User, Generation: generation, Disabled: true}
	if _, err := s.write(ctx, key, &d, number); err != nil {
		if errors.Is(err, factor.ErrConflict) {
			return s.absent(ctx, key)
		}
		return err
	}
	s.memory.set(key, known{})
	if err := s.engine.erase(ctx, s.place(key)); err != nil {
		// It is disabled nevertheless; the next caller after a while deletes what is left.
		s.logger.WarnContext(ctx, "the metadata of a disabled record could not be deleted yet", "app", key.App, "error", err)
	}
	return nil
}

// absent returns why nothing could be deleted: there is no record, or it is at another version.
func (s *Store) absent(ctx context.Context, key factor.Key) error {
	_, d, err := s.read(ctx, key)
	switch {
	case err != nil:
		return err
	case d.Disabled:
		return factor.ErrNotFound
	}
	return factor.ErrConflict
}

// finish deletes what is left of a record that was disabled a while ago, and reports whether it did. It first claims
// the document by check-and-set: deleting metadata is not conditional, so only one caller may do it.
func (s *Store) finish(ctx context.Context, key factor.Key, found stored, d document) bool {
	if found.age < s.settled {
		return false
	}
	if _, err := s.write(ctx, key, &d, found.number); err != nil {
		return false
	}
	return s.engine.erase(ctx, s.place(key)) == nil
}

// write makes a check-and-set. If the answer is lost, it reads to find out whether the write was made: the write is
// never repeated, and never assumed to have been made (P7).
func (s *Store) write(ctx context.Context, key factor.Key, d *document, number int64) (stored, error) {
	d.Write = rand.Text()
	written, err := s.engine.write(ctx, s.place(key), d, number)
	if isUnclear(err) {
		// The caller's context may have ended, and this is about a write that has already been sent.
		found, present, lookErr := s.read(context.WithoutCancel(ctx), key)
		if lookErr != nil || present.Write != d.Write {
			return stored{}, err
		}
		written, err = found, nil
	}
	switch {
	case errors.Is(err, errNoCheckAndSet):
		return stored{}, factor.ErrConflict
	case err != nil:
		return stored{}, err
	}
	if generation := generationOf(written.custom); generation != 0 && generation != d.Generation {
		s.logger.ErrorContext(ctx, "a record was overwritten by a change to the enrolment before it; it is unusable until an operator deletes its metadata",
			"app", key.App, "place", s.Place(key))
		return stored{}, factor.ErrConflict
	}
	return written, nil
}

// purge destroys older versions, and reports whether they are gone.
func (s *Store) purge(ctx context.Context, key factor.Key, number int64) bool {
	err := s.engine.purge(ctx, s.place(key), number)
	if err != nil {
		s.logger.WarnContext(ctx, "older versions of a record could not be destroyed yet; the next change tries again", "app", key.App, "error", err)
	}
	return err == nil
}

func custom(key factor.Key, generation uint32) map[string]string {
	return map[string]string{
		customApp: readable(key.App), customUser: readable(key.User), customGeneration: strconv.FormatUint(uint64(generation), 10),
	}
}

func newGeneration() uint32 {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		if generation := binary.BigEndian.Uint32(b[:]); generation != 0 {
			return generation
		}
	}
}

// String names the place, for operators.
func (s *Store) String() string { return fmt.Sprintf("vault %s/%s", s.engine.mount, s.path) }

var _ factor.Store = (*Store)(nil)
