package caddymodule

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/certmagic"
)

// TestNameStore: names that were added can be loaded, for this app and no other. Before that the list is empty.
func TestNameStore(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	one := newNameStore(&certmagic.FileStorage{Path: folder}, "wiki")
	if names, err := one.Load(ctx); err != nil || len(names) != 0 {
		t.Errorf("at first: %q %v", names, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("reading has written something: %v %v", entries, err)
	}
	if err := one.Add(ctx, []string{"sid", "remember_me"}); err != nil {
		t.Fatal(err)
	}
	for _, app := range []string{"Wiki", "wiki/x", "../wiki", "wiki ", "wík", ""} {
		other := newNameStore(&certmagic.FileStorage{Path: folder}, app)
		if names, err := other.Load(ctx); err != nil || len(names) != 0 {
			t.Errorf("%q has those of wiki: %q %v", app, names, err)
		}
	}
	if names, err := newNameStore(&certmagic.FileStorage{Path: folder}, "wiki").Load(ctx); err != nil || !slices.Equal(names, []string{"sid", "remember_me"}) {
		t.Errorf("after a restart: %q %v", names, err)
	}
	if one.key != "sallyport/77696b69/held-cookies" {
		t.Errorf("key: %s", one.key)
	}
}

// TestNameStoreSideBySide: two processes that share a storage do not overwrite each other's names.
func TestNameStoreSideBySide(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	var group sync.WaitGroup
	for process := range 2 {
		group.Go(func() {
			store := newNameStore(&certmagic.FileStorage{Path: folder}, "wiki")
			for i := range 2 {
				if err := store.Add(ctx, []string{"shared", "cookie" + strconv.Itoa(process) + strconv.Itoa(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	names, err := newNameStore(&certmagic.FileStorage{Path: folder}, "wiki").Load(ctx)
	if err != nil || len(names) != 5 {
		t.Errorf("%d names, want 5: %q %v", len(names), names, err)
	}
}

// TestNameStoreDamaged: an unreadable document is an error that says where it is, and is not overwritten.
func TestNameStoreDamaged(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	store := newNameStore(&certmagic.FileStorage{Path: folder}, "wiki")
	file := filepath.Join(folder, filepath.FromSlash(store.key))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"", "{", `["sid"]`, `{"app":"other","names":["sid"]}`} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, loadErr := store.Load(ctx)
		addErr := store.Add(ctx, []string{"new"})
		for _, err := range []error{loadErr, addErr} {
			if err == nil || !strings.Contains(err.Error(), store.key) {
				t.Errorf("%q: %v", content, err)
			}
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != content {
			t.Errorf("%q was overwritten: %q %v", content, after, err)
		}
	}
}

// brokenStorage is a storage that cannot be reached.
type brokenStorage struct{ certmagic.Storage }

var errStorage = errors.New("storage is away")

func (brokenStorage) Load(context.Context, string) ([]byte, error) { return nil, errStorage }
func (brokenStorage) Lock(context.Context, string) error           { return errStorage }

// TestNameStoreAway: an error of the storage is returned, and is never read as an empty list.
func TestNameStoreAway(t *testing.T) {
	store := newNameStore(brokenStorage{}, "wiki")
	if _, err := store.Load(context.Background()); !errors.Is(err, errStorage) {
		t.Errorf("load: %v", err)
	}
	if err := store.Add(context.Background(), []string{"sid"}); !errors.Is(err, errStorage) {
		t.Errorf("add: %v", err)
	}
}
