package file

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"
)

// sweepPage is how many entries one transaction examines, and how many one removes at most.
const sweepPage = 1000

// sweepUntilQuit removes expired entries regularly.
func (db *database) sweepUntilQuit() {
	defer db.running.Done()
	ticker := time.NewTicker(db.options.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = db.sweep() // the rest expires anyway, and the next calls report the error
		case <-db.quit:
			return
		}
	}
}

// sweep examines all entries, page by page.
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

// expiredFrom examines one page of entries; next is where the following one begins, nil after the last.
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
			// An entry that this version cannot read is removed too.
			if found, ok := parseEntry(stored); !ok || found.expiry <= now {
				expired = append(expired, bytes.Clone(token))
			}
		}
		return nil
	})
	return expired, next, err
}

// remove deletes those of the entries that are still expired. The writer makes this change like any other.
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
