package caddymodule

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gateway"
)

// nameStoreTimeout limits a call to Caddy's storage, including the wait for its lock.
const nameStoreTimeout = 5 * time.Second

// nameStore keeps the names of the cookies that logins put into custody in Caddy's storage, which nodes may share. The
// names are not secret.
type nameStore struct {
	storage certmagic.Storage
	app     string
	key     string
}

// heldCookies is the stored document.
type heldCookies struct {
	App   string   `json:"app"`
	Names []string `json:"names"`
}

// newNameStore makes a store for an app. It does no I/O. The key has the app's name in hex, because the name may have
// any characters and some storages ignore case.
func newNameStore(storage certmagic.Storage, app string) *nameStore {
	return &nameStore{storage: storage, app: app, key: "sallyport/" + hex.EncodeToString([]byte(app)) + "/held-cookies"}
}

// Load implements gateway.NameStore.
func (s *nameStore) Load(ctx context.Context) ([]string, error) {
	ctx, done := context.WithTimeout(ctx, nameStoreTimeout)
	defer done()
	return s.load(ctx)
}

func (s *nameStore) load(ctx context.Context) ([]string, error) {
	content, err := s.storage.Load(ctx, s.key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", s.key, err)
	}
	var stored heldCookies
	if err := json.Unmarshal(content, &stored); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.key, err)
	}
	if stored.App != s.app {
		return nil, fmt.Errorf("read %s: it is of another app", s.key)
	}
	return stored.Names, nil
}

// Add implements gateway.NameStore.
func (s *nameStore) Add(ctx context.Context, names []string) (err error) {
	ctx, done := context.WithTimeout(ctx, nameStoreTimeout)
	defer done()
	if err := s.storage.Lock(ctx, s.key); err != nil {
		return fmt.Errorf("lock %s: %w", s.key, err)
	}
	defer func() {
		if failed := s.storage.Unlock(context.WithoutCancel(ctx), s.key); failed != nil && err == nil {
			err = fmt.Errorf("unlock %s: %w", s.key, failed)
		}
	}()
	kept, err := s.load(ctx)
	if err != nil {
		return err
	}
	before := len(kept)
	for _, name := range names {
		if len(kept) < custody.MaxNames && !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	if len(kept) == before {
		return nil
	}
	content, err := json.Marshal(heldCookies{App: s.app, Names: kept})
	if err != nil {
		return err
	}
	if err := s.storage.Store(ctx, s.key, content); err != nil {
		return fmt.Errorf("write %s: %w", s.key, err)
	}
	return nil
}

var _ gateway.NameStore = (*nameStore)(nil)
