package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

// neverNotEnrolled opens a damaged database and requires that each user's record is either the one that was written or
// an ErrCorrupt. It returns how many were readable.
func neverNotEnrolled(t *testing.T, what, path string, versions map[string]factor.Version) (readable int) {
	t.Helper()
	store, err := Open(path, Options{})
	if err != nil {
		if !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: Open: %v, which is not ErrCorrupt", what, err)
		}
		return 0
	}
	defer func() { _ = store.Close() }()
	for i, user := range people {
		record, version, err := store.Get(t.Context(), keyOf(user))
		switch {
		case err == nil:
			readable++
			if version != versions[user] || !bytes.Equal(record.Factors[0].Secret, storetest.NewRecord(user, byte(i)).Factors[0].Secret) {
				t.Errorf("%s: %s has another record", what, user)
			}
		case !errors.Is(err, factor.ErrCorrupt) || errors.Is(err, factor.ErrNotFound):
			t.Errorf("%s: %s: %v, want ErrCorrupt", what, user, err)
		}
	}
	return readable
}

// TestP6_BitFlips flips single bits all over the file. With many of them, such as in the newest head page, in a key, or
// in the count of a page, bbolt alone would read a database in which somebody is not enrolled.
func TestP6_BitFlips(t *testing.T) {
	path, versions := made(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	flips, harmless := 0, 0
	for at, b := range content {
		// Page heads are tried at every byte, empty space at every 61st, and the rest at every third.
		if inHead := at%4096 < 160; !inHead && (b == 0 && at%61 != 0 || b != 0 && at%3 != 0) {
			continue
		}
		flips++
		if _, err := file.WriteAt([]byte{b ^ 1<<(at%8)}, int64(at)); err != nil {
			t.Fatal(err)
		}
		if neverNotEnrolled(t, fmt.Sprintf("bit %d of byte %d", at%8, at), path, versions) == len(people) {
			harmless++
		}
		if _, err := file.WriteAt([]byte{b}, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if harmless == flips {
		t.Error("not one flip did any damage: the test is broken")
	}
	t.Logf("%d flips, %d of them in free space", flips, harmless)
	if neverNotEnrolled(t, "nothing", path, versions) != len(people) {
		t.Error("the undamaged database cannot be read")
	}
}

// TestP6_CutOff: a file that lost its end, or all of its content.
func TestP6_CutOff(t *testing.T) {
	path, versions := made(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(content) {
		if size%512 != 0 && size%509 != 0 && size > 2 {
			continue
		}
		if err := os.WriteFile(path, content[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		neverNotEnrolled(t, fmt.Sprintf("%d bytes", size), path, versions)
	}
	if err := os.WriteFile(path, make([]byte, len(content)), 0o600); err != nil {
		t.Fatal(err)
	}
	if neverNotEnrolled(t, "zeros", path, versions) != 0 {
		t.Error("zeros can be read")
	}
}

// TestP6_CutOffWhileOpen: the file is cut off while the store is open. Reading the mapped memory then faults, which
// must neither end the process nor read as "not enrolled".
func TestP6_CutOffWhileOpen(t *testing.T) {
	for _, size := range []int64{0, 4096, 3 * 4096} {
		store := mustOpen(t, place(t))
		versions := fill(t, store)
		if err := os.Truncate(store.database.Path(), size); err != nil {
			t.Fatal(err)
		}
		for _, user := range people {
			if _, _, err := store.Get(t.Context(), keyOf(user)); errors.Is(err, factor.ErrNotFound) {
				t.Errorf("cut to %d: %s: %v", size, user, err)
			}
			_, err := store.Put(t.Context(), keyOf(user), storetest.NewRecord(user, 1), versions[user])
			if errors.Is(err, factor.ErrNotFound) || errors.Is(err, factor.ErrConflict) {
				t.Errorf("cut to %d: %s: %v", size, user, err)
			}
		}
	}
}

// TestTampering edits the database with bbolt, like an attacker who can write the file but does not have the key. He
// tries to get another user's factor for his own account, to bring back an old state, or to have no factor at all.
func TestTampering(t *testing.T) {
	sealerOf := func(t *testing.T, path string) *sealer {
		key, err := readKey(path + ".key")
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSealer(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	names := func(t *testing.T, path string) (alice, bob name) {
		s := sealerOf(t, path)
		return s.name(keyOf("alice")), s.name(keyOf("bob"))
	}
	tests := map[string]func(t *testing.T, path string){
		"records swapped": func(t *testing.T, path string) {
			alice, bob := names(t, path)
			edit(t, path, func(tx *bolt.Tx) error {
				records := tx.Bucket(bucketRecords)
				first, second := bytes.Clone(records.Get(alice[:])), bytes.Clone(records.Get(bob[:]))
				return errors.Join(records.Put(alice[:], second), records.Put(bob[:], first))
			})
		},
		"record removed": func(t *testing.T, path string) {
			alice, _ := names(t, path)
			edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketRecords).Delete(alice[:]) })
		},
		"all records removed": func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error {
				if err := tx.DeleteBucket(bucketRecords); err != nil {
					return err
				}
				_, err := tx.CreateBucket(bucketRecords)
				return err
			})
		},
		"no bucket of records": func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketRecords) })
		},
		"nothing left": func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error {
				return errors.Join(tx.DeleteBucket(bucketRecords), tx.DeleteBucket(bucketAbout))
			})
		},
		"no check value": func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketAbout).Delete(keyCheck) })
		},
		"check value spoilt": func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error {
				value := bytes.Clone(tx.Bucket(bucketAbout).Get(keyCheck))
				value[len(value)-1] ^= 1
				return tx.Bucket(bucketAbout).Put(keyCheck, value)
			})
		},
		"no summary": func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketAbout).Delete(keySummary) })
		},
		"summary of an empty database": func(t *testing.T, path string) {
			other := place(t)
			mustClose(t, mustOpen(t, other))
			var summary []byte
			edit(t, other, func(tx *bolt.Tx) error {
				summary = bytes.Clone(tx.Bucket(bucketAbout).Get(keySummary))
				return nil
			})
			edit(t, path, func(tx *bolt.Tx) error {
				return errors.Join(tx.Bucket(bucketAbout).Put(keySummary, summary), tx.DeleteBucket(bucketRecords))
			})
		},
		"version set forward": func(t *testing.T, path string) {
			alice, _ := names(t, path)
			edit(t, path, func(tx *bolt.Tx) error {
				value := bytes.Clone(tx.Bucket(bucketRecords).Get(alice[:]))
				value[7]++
				return tx.Bucket(bucketRecords).Put(alice[:], value)
			})
		},
		"short value": func(t *testing.T, path string) {
			alice, _ := names(t, path)
			edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketRecords).Put(alice[:], []byte{1}) })
		},
		"foreign key": func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketRecords).Put([]byte("alice"), []byte("12345678")) })
		},
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			path, versions := made(t)
			tamper(t, path)
			if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) {
				t.Errorf("%v, want ErrDamaged", err)
			}
			neverNotEnrolled(t, name, path, versions)
		})
	}

	// The body of one record is damaged: only that user gets an error.
	t.Run("one record damaged", func(t *testing.T) {
		path, versions := made(t)
		alice, _ := names(t, path)
		edit(t, path, func(tx *bolt.Tx) error {
			value := bytes.Clone(tx.Bucket(bucketRecords).Get(alice[:]))
			value[len(value)-1] ^= 1
			return tx.Bucket(bucketRecords).Put(alice[:], value)
		})
		if readable := neverNotEnrolled(t, "spoilt", path, versions); readable != len(people)-1 {
			t.Errorf("%d are readable", readable)
		}
	})

	// An older, authentic state of one record is put back, so that a used recovery code would be valid again.
	t.Run("old record", func(t *testing.T) {
		path := place(t)
		store := mustOpen(t, path)
		versions := fill(t, store)
		alice := store.sealer.name(keyOf("alice"))
		old, err := store.get(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		if versions["alice"], err = store.Put(t.Context(), keyOf("alice"), storetest.NewRecord("alice", 0), versions["alice"]); err != nil {
			t.Fatal(err)
		}
		mustClose(t, store)
		edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketRecords).Put(alice[:], old) })
		if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v, want ErrDamaged", err)
		}
	})
}

// TestTamperingWhileOpen: the index in memory detects changes that are made to the file while the store is open.
func TestTamperingWhileOpen(t *testing.T) {
	store := mustOpen(t, place(t))
	versions := fill(t, store)
	alice, bob, dave := store.sealer.name(keyOf("alice")), store.sealer.name(keyOf("bob")), store.sealer.name(keyOf("dave"))
	old, err := store.get(t.Context(), dave)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), keyOf("dave"), storetest.NewRecord("dave", 9), versions["dave"]); err != nil {
		t.Fatal(err)
	}
	err = store.database.Update(func(tx *bolt.Tx) error {
		records := tx.Bucket(bucketRecords)
		value := bytes.Clone(records.Get(bob[:]))
		mallory := store.sealer.name(keyOf("mallory"))
		return errors.Join(records.Delete(alice[:]), records.Put(mallory[:], value), records.Put(dave[:], old))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"alice", "mallory", "dave"} {
		if _, _, err := store.Get(t.Context(), keyOf(user)); !errors.Is(err, ErrDamaged) || errors.Is(err, factor.ErrNotFound) {
			t.Errorf("%s: %v, want ErrDamaged", user, err)
		}
	}
	if _, err := store.Put(t.Context(), keyOf("alice"), storetest.NewRecord("alice", 1), 0); !errors.Is(err, ErrDamaged) {
		t.Errorf("enrolling anew over it: %v", err)
	}
	if err := store.Delete(t.Context(), keyOf("bob"), versions["bob"]); !errors.Is(err, ErrDamaged) {
		t.Errorf("a write to a damaged database: %v", err)
	}
}
