package file

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// consistent requires that indexes and counts match the entries exactly.
func consistent(t testing.TB, store *Store) {
	t.Helper()
	db := opened(t, store)
	err := db.read(func(entries *bolt.Bucket) error {
		if entries == nil {
			return nil
		}
		want := map[string]bool{}
		unlabelled, strangers := 0, 0
		err := entries.ForEach(func(token, stored []byte) error {
			found, _ := parseEntry(stored)
			unlabelled += found.unlabelled()
			if found.owner != (session.Owner{}) {
				want["o"+string(ownerKey(found.owner, string(token)))] = true
			}
			if found.stranger {
				strangers++
				want["s"+string(strangerKey(found.order, string(token)))] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		for prefix, name := range map[string][]byte{"o": ownersBucket, "s": strangersBucket} {
			if bucket := entries.Tx().Bucket(name); bucket != nil {
				err := bucket.ForEach(func(key, _ []byte) error {
					if !want[prefix+string(key)] {
						t.Errorf("the index %s has %x, which matches no entry", name, key)
					}
					delete(want, prefix+string(key))
					return nil
				})
				if err != nil {
					return err
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("%d entries are in no index", len(want))
		}
		if db.strangers != strangers || db.unlabelled.Load() != int64(unlabelled) {
			t.Errorf("counted %d of strangers and %d without a label, there are %d and %d", db.strangers, db.unlabelled.Load(), strangers, unlabelled)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFileFromBefore: a file of the version without labels can be read. Its sessions are found, and stored with labels
// from then on.
func TestFileFromBefore(t *testing.T) {
	path := place(t)
	store := newStore(t, path, Options{})
	before := storetest.Token()
	mustCommit(t, store, before, "before")
	err := opened(t, store).handle.Update(func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket(ownersBucket); err != nil {
			return err
		}
		return tx.DeleteBucket(strangersBucket)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = newStore(t, path, Options{})
	found := 0
	note := func(token string, stored []byte) error {
		if found++; token != before || string(stored) != "before" {
			t.Errorf("%q, %q", token, stored)
		}
		return nil
	}
	alice := session.Owner{1}
	if err := store.OwnedCtx(t.Context(), []session.Owner{alice}, note); err != nil || found != 0 {
		t.Errorf("%d in the index, %v", found, err)
	}
	if err := store.UnlabelledCtx(t.Context(), note); err != nil || found != 1 {
		t.Errorf("%d without a label, %v", found, err)
	}
	mine := session.WithLabel(context.Background(), session.Label{Owner: alice})
	if err := store.CommitCtx(mine, before, []byte("before"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := store.OwnedCtx(t.Context(), []session.Owner{alice}, note); err != nil || found != 2 {
		t.Errorf("%d in the index afterwards, %v", found-1, err)
	}
	if err := store.UnlabelledCtx(t.Context(), note); err != nil || found != 2 {
		t.Errorf("%d without a label afterwards, %v", found-2, err)
	}
	consistent(t, store)
}

// TestFullOfStrangers: when the file has as many entries as it may, users who sign in replace strangers.
func TestFullOfStrangers(t *testing.T) {
	store := newStore(t, place(t), Options{Max: 10, Strangers: 8})
	expiry := time.Now().Add(time.Hour)
	stranger := session.WithLabel(context.Background(), session.Label{Stranger: true})
	for range 20 {
		if err := store.CommitCtx(stranger, storetest.Token(), []byte("x"), expiry); err != nil {
			t.Fatal(err)
		}
	}
	var owner session.Owner
	for i := range 10 {
		binary.BigEndian.PutUint64(owner[:], uint64(i+1))
		mine := session.WithLabel(context.Background(), session.Label{Owner: owner})
		if err := store.CommitCtx(mine, storetest.Token(), []byte("y"), expiry); err != nil {
			t.Fatalf("sign-in %d: %v", i, err)
		}
	}
	if err := store.CommitCtx(stranger, storetest.Token(), []byte("x"), expiry); err == nil {
		t.Error("a stranger replaced a user who has signed in")
	}
	consistent(t, store)
}
