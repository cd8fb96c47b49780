package boltfile

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// databases are files as bbolt makes them: new, small, with deep trees and with long values.
func databases(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, fill := range map[string]func(tx *bolt.Tx) error{
		"untouched": nil,
		"empty":     func(*bolt.Tx) error { return nil },
		"small": func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucket([]byte("a"))
			return errors.Join(err, bucket.Put([]byte("k"), []byte("v")))
		},
		"deep": func(tx *bolt.Tx) error {
			for _, name := range []string{"a", "b"} {
				bucket, err := tx.CreateBucket([]byte(name))
				if err != nil {
					return err
				}
				for i := range 3000 {
					if err := bucket.Put(fmt.Appendf(nil, "%032d", i*7919%3000), bytes.Repeat([]byte{1}, 100)); err != nil {
						return err
					}
				}
			}
			return nil
		},
		"long": func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucket([]byte("a"))
			if err != nil {
				return err
			}
			return errors.Join(bucket.Put([]byte("k"), make([]byte, 20_000)), bucket.Put([]byte("l"), make([]byte, 9_000)))
		},
	} {
		path := filepath.Join(t.TempDir(), "db")
		database, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, NoFreelistSync: true, PageSize: 4096})
		if err != nil {
			t.Fatal(err)
		}
		if fill != nil {
			if err := database.Update(fill); err != nil {
				t.Fatal(err)
			}
		}
		if err := database.Close(); err != nil {
			t.Fatal(err)
		}
		if out[name], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestInspectAcceptsWhatBoltWrites also notices when a later bbolt changes its format.
func TestInspectAcceptsWhatBoltWrites(t *testing.T) {
	for name, content := range databases(t) {
		untouched, err := Inspect(bytes.NewReader(content), int64(len(content)))
		if err != nil || untouched != (name == "untouched") {
			t.Errorf("%s: untouched %v, %v", name, untouched, err)
		}
	}
}

// TestInspectRefuses are the kinds of damage that send bbolt astray; the numbers are offsets of its format.
func TestInspectRefuses(t *testing.T) {
	contents := databases(t)
	deep := contents["deep"]
	page := func(content []byte, number uint64) []byte { return content[number*4096 : (number+1)*4096] }
	first, err := readMeta(bytes.NewReader(deep), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	root := first.root
	branch := uint64(0)
	for number := uint64(2); number < first.high; number++ {
		if native.Uint16(page(deep, number)[8:]) == flagBranch && native.Uint64(page(deep, number)) == number {
			branch = number
		}
	}
	if branch == 0 {
		t.Fatal("no branch page")
	}
	for name, spoil := range map[string]func(content []byte){
		"endless recursion":       func(c []byte) { native.PutUint64(page(c, branch)[24:], branch) },
		"child in the head":       func(c []byte) { native.PutUint64(page(c, branch)[24:], 0) },
		"child out of the file":   func(c []byte) { native.PutUint64(page(c, branch)[24:], 1<<60) },
		"the same child twice":    func(c []byte) { copy(page(c, branch)[24:32], page(c, branch)[40:48]) },
		"keys not in order":       func(c []byte) { copy(page(c, branch)[16:32], page(c, branch)[32:48]) },
		"key out of the page":     func(c []byte) { native.PutUint32(page(c, branch)[16:], 1<<31) },
		"endless key":             func(c []byte) { native.PutUint32(page(c, branch)[20:], 1<<32-1) },
		"no children":             func(c []byte) { native.PutUint16(page(c, branch)[10:], 0) },
		"too many children":       func(c []byte) { native.PutUint16(page(c, branch)[10:], 0xffff) },
		"endless overflow":        func(c []byte) { native.PutUint32(page(c, branch)[12:], 0xffffffff) },
		"another page's number":   func(c []byte) { native.PutUint64(page(c, branch), branch+1) },
		"unknown kind":            func(c []byte) { native.PutUint16(page(c, branch)[8:], 0x40) },
		"root full of nothing":    func(c []byte) { native.PutUint16(page(c, root)[10:], 0xffff) },
		"a plain value at top":    func(c []byte) { native.PutUint32(page(c, root)[16:], 0) },
		"unknown element":         func(c []byte) { native.PutUint32(page(c, root)[16:], 2) },
		"a bucket that is short":  func(c []byte) { native.PutUint32(page(c, root)[28:], 3) },
		"first head page spoilt":  func(c []byte) { c[40] ^= 1 },
		"second head page spoilt": func(c []byte) { c[4096+40] ^= 1 },
		"head pages far apart": func(c []byte) {
			content := page(c, 0)[pageHeader:]
			native.PutUint64(content[48:], native.Uint64(content[48:])+2)
			checksum := fnv.New64a()
			_, _ = checksum.Write(content[:metaSize-8])
			native.PutUint64(content[56:], checksum.Sum64())
		},
		"two of the same": func(c []byte) { copy(page(c, 1), page(c, 0)) },
	} {
		content := bytes.Clone(deep)
		spoil(content)
		if bytes.Equal(content, deep) {
			t.Errorf("%s: nothing was spoilt", name)
		}
		if _, err := Inspect(bytes.NewReader(content), int64(len(content))); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

// FuzzInspect spoils a database in one place. What Inspect lets pass, bbolt must be able to read to the end.
func FuzzInspect(f *testing.F) {
	contents := databases(f)
	names := []string{"untouched", "empty", "small", "deep", "long"}
	for i := range names {
		f.Add(i, uint32(0), []byte{})
		f.Add(i, uint32(4096+10), []byte{0xff, 0xff})
		f.Add(i, uint32(3*4096+10), []byte{0, 0})
		f.Add(i, uint32(5*4096+24), []byte{5, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, which int, at uint32, patch []byte) {
		content := bytes.Clone(contents[names[uint(which)%uint(len(names))]])
		copy(content[int(at)%len(content):], patch)
		untouched, err := Inspect(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if untouched {
			return // bbolt reads its list of free pages then, which Guard sees to
		}
		path := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		database, err := Open(path, Options{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = database.Close() }()
		err = database.View(func(tx *bolt.Tx) error {
			return tx.ForEach(func(_ []byte, bucket *bolt.Bucket) error {
				return bucket.ForEach(func(key, value []byte) error {
					if !bytes.Equal(bucket.Get(key), value) {
						t.Errorf("%q is not found again", key)
					}
					return nil
				})
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
