package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/filestore"
	"sallyport.example/sallyport/factor/storetest"
)

func openFile(t *testing.T) *filestore.Store {
	t.Helper()
	store, err := filestore.Open(filepath.Join(t.TempDir(), "secrets.db"), filestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// moveEverything moves what the command would find at the source.
func moveEverything(t *testing.T, source, destination listedStore, deleteSource bool, out io.Writer) error {
	t.Helper()
	keys, err := source.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return moveAll(t.Context(), keys, source, destination, deleteSource, out)
}

// flaky is a store of which a number of operations work and all later ones fail, as for a command that is stopped
// half-way.
type flaky struct {
	listedStore
	left int
}

var errStopped = errors.New("stopped")

func (f *flaky) pass() error {
	if f.left--; f.left < 0 {
		return fmt.Errorf("%w: %w", factor.ErrUnavailable, errStopped)
	}
	return nil
}

func (f *flaky) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	if err := f.pass(); err != nil {
		return 0, err
	}
	return f.listedStore.Put(ctx, key, record, expected)
}

func (f *flaky) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	if err := f.pass(); err != nil {
		return err
	}
	return f.listedStore.Delete(ctx, key, expected)
}

// TestMoveIsResumable: wherever a move stops, every record is complete at one of the two ends. Started again, it ends
// with all records at the destination and, with --delete-source, none at the source.
func TestMoveIsResumable(t *testing.T) {
	names := storetest.Names()[:12]
	for stop := range 2 * len(names) {
		source, destination := openFile(t), openFile(t)
		for i, user := range names {
			if _, err := source.Put(t.Context(), factor.Key{App: "wiki", User: user}, storetest.NewRecord(user, byte(i)), 0); err != nil {
				t.Fatal(err)
			}
		}
		var out strings.Builder
		from, to := &flaky{source, stop}, &flaky{destination, stop}
		err := moveEverything(t, from, to, true, &out)
		if wantFailure := stop < len(names); wantFailure != (err != nil) {
			t.Fatalf("stopped after %d: %v", stop, err)
		}
		for i, user := range names {
			key, found := factor.Key{App: "wiki", User: user}, false
			for _, store := range []factor.Store{source, destination} {
				record, _, err := store.Get(t.Context(), key)
				if same, _ := sameRecord(record, storetest.NewRecord(user, byte(i))); err == nil && same {
					found = true
				}
			}
			if !found {
				t.Fatalf("stopped after %d: %q is nowhere", stop, user)
			}
		}
		if err := moveEverything(t, source, destination, true, &out); err != nil {
			t.Fatalf("started again: %v\n%s", err, out.String())
		}
		if keys, err := source.Keys(t.Context()); err != nil || len(keys) != 0 {
			t.Errorf("%d records are left at the source (%v)", len(keys), err)
		}
		if keys, err := destination.Keys(t.Context()); err != nil || len(keys) != len(names) {
			t.Errorf("%d records are at the destination (%v)", len(keys), err)
		}
	}
}

// TestMoveOverwritesNothing: a user who enrolled at the destination meanwhile keeps that enrolment, and the output says
// so; the other records are moved.
func TestMoveOverwritesNothing(t *testing.T) {
	source, destination := openFile(t), openFile(t)
	for i, user := range []string{"alice", "bob"} {
		if _, err := source.Put(t.Context(), factor.Key{App: "wiki", User: user}, storetest.NewRecord(user, byte(i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	key := factor.Key{App: "wiki", User: "alice"}
	if _, err := destination.Put(t.Context(), key, storetest.NewRecord("alice", 99), 0); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := moveEverything(t, source, destination, true, &out)
	if err == nil || !strings.Contains(out.String(), `"alice" of "wiki": NOT MOVED`) {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, store := range []factor.Store{source, destination} {
		if _, _, err := store.Get(t.Context(), key); err != nil {
			t.Errorf("alice's record: %v", err)
		}
	}
	if _, _, err := destination.Get(t.Context(), factor.Key{App: "wiki", User: "bob"}); err != nil {
		t.Errorf("bob was not moved: %v", err)
	}
	if strings.Contains(out.String(), "Y2Nj") {
		t.Error("a seed is in the output")
	}
}

// changing changes the source's record between the copy and its deletion, a few times.
type changing struct {
	listedStore
	times int
}

func (c *changing) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	if c.times--; c.times >= 0 {
		record, version, err := c.Get(ctx, key)
		if err != nil {
			return err
		}
		record.Throttle.Failures++
		if _, err := c.Put(ctx, key, record, version); err != nil {
			return err
		}
	}
	return c.listedStore.Delete(ctx, key, expected)
}

// TestP7_MoveLosesNoAttempt: a wrong code that is counted at the source after the copy was made is counted at the
// destination too.
func TestP7_MoveLosesNoAttempt(t *testing.T) {
	source, destination := openFile(t), openFile(t)
	key := factor.Key{App: "wiki", User: "alice"}
	record := storetest.NewRecord("alice", 1)
	if _, err := source.Put(t.Context(), key, record, 0); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := moveEverything(t, &changing{source, 3}, destination, true, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	moved, _, err := destination.Get(t.Context(), key)
	if err != nil || moved.Throttle.Failures != record.Throttle.Failures+3 {
		t.Errorf("%d failures at the destination (%v), want %d", moved.Throttle.Failures, err, record.Throttle.Failures+3)
	}
	if err := moveEverything(t, &changing{destination, 1000}, source, true, &out); err == nil || !strings.Contains(out.String(), "does not stop changing") {
		t.Errorf("an endless change: %v", err)
	}
}
