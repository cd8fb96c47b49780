package file

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"
)

// sweepPage is how many entries are looked at in one transaction, and removed in one at most.
const sweepPage = 1000

// sweepUntilQuit removes what has expired now and then.
func (db *database) sweepUntilQuit() {
	defer db.running.Done()
	ticker := time.NewTicker(db.options.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = db.sweep() // what is left expires all the same, and the next calls will tell what is wrong
		case <-db.quit:
			return
		}
	}
}

// sweep goes over all entries, page by page.
func (db *database) sweep() error {
	var from []byte
	for {
		expired, next, err := db.expiredFrom(from)
		if err != nil {
			return err
		}
		if len(expired) > 0 {
			if err := db.remove(expired); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		from = next
	}
}

// expiredFrom looks at one page of entries; next is where the following one begins, nil after the last.
func (db *database) expiredFrom(from []byte) (expired [][]byte, next []byte, err error) {
	now := db.options.Now().UnixNano()
	err = db.read(func(entries *bolt.Bucket) error {
		if entries == nil {
			return nil
		}
		cursor := entries.Cursor()
		looked := 0
		for token, stored := cursor.Seek(from); token != nil; token, stored = cursor.Next() {
			if looked++; looked > sweepPage {
				next = bytes.Clone(token)
				return nil
			}
			// What this version cannot read is nobody's either.
			if found, ok := parseEntry(stored); !ok || found.expiry <= now {
				expired = append(expired, bytes.Clone(token))
			}
		}
		return nil
	})
	return expired, next, err
}

// remove deletes those of the entries that are still expired. The writer makes the change, as any other.
func (db *database) remove(tokens [][]byte) error {
	return db.write(context.Background(), func(c *change) error {
		for _, token := range tokens {
			stored := c.entries.Get(token)
			if found, ok := parseEntry(stored); stored == nil || ok && found.expiry > c.now {
				continue
			}
			if err := c.remove(string(token)); err != nil {
				return err
			}
		}
		return nil
	})
}
